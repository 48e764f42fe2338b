orders list --site main --month {{month}} --customer Nobody | tr ',' ';' > {{file}}.csv
