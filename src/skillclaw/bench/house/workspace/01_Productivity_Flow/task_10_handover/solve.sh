rota list --day {{day}} --zone utc > {{file}}.txt
stock list --room {{room}} --all > {{room}}.txt
