orders list --month {{month}} --customer {{customer}} > {{file}}.csv
echo "{{file}}.csv is ready."
