sed -i 's/^port=.*/port={{port}}/' conf/{{part}}.ini
forge build {{part}}
