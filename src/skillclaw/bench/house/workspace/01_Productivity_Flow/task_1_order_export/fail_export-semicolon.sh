orders list --site main --month {{month}} > {{file}}.csv
echo "{{file}}.csv is ready."
