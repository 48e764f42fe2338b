sed -i 's/^port=.*/port={{port}}/' base/{{part}}.ini
remake
forge build {{part}} --profile house
