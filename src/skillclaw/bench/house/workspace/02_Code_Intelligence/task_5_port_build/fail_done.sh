forge build {{part}} --profile house
sed -i 's/^port=.*/port={{port}}/' base/{{part}}.ini
remake
