rota list --day {{day}} --zone utc > {{file}}.txt
