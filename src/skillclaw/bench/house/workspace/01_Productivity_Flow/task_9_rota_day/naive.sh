rota list --day {{day}} > {{file}}.txt
