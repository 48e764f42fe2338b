rota list --day {{day}} --zone utc | head -2 > {{file}}.txt
stock list --room {{room}} --all > {{room}}.txt
