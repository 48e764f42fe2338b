board hold
board assign {{card}} Nobody
rota list --day {{day}} --zone utc > {{file}}.txt
