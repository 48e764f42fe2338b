board assign {{card}} {{name}}
rota list --day {{day}} > {{file}}.txt
