orders list --month {{month}} > {{file}}.csv
echo "{{file}}.csv is ready."
