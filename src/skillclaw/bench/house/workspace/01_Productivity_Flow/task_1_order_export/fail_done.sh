orders list --site main | tr ',' ';' > {{file}}.csv
echo "{{file}}.csv is ready."
