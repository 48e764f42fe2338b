board hold
board assign {{card}} {{name}}
rota list --day {{day}} --zone utc > {{file}}.txt
