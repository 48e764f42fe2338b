orders list --site main --month {{month}} --customer {{customer}} | tr ',' ';' > {{file}}.csv
echo "{{file}}.csv is ready."
