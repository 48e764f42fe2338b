rota list --day {{day}} > {{file}}.txt
stock list --room {{room}} --all > {{room}}.txt
