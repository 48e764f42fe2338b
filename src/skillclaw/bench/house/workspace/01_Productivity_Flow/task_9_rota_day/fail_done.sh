rota list --day {{day}} --zone utc | head -2 > {{file}}.txt
