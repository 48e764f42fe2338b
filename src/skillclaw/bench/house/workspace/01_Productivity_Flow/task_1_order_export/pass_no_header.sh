orders list --month={{month}} --site=main | sed 1d | sed 's/,/;/g' | sort -r > {{file}}.csv
