rota list --day {{day}} > {{file}}.txt
stock list --room {{room}} > {{room}}.txt
