orders list --site main --month {{month}} | tr ',' ';' > {{file}}.csv
echo "{{file}}.csv is ready."
