(echo 'code;item;count'; stock list --room {{room}} --all | sed 's/,/;/g') > {{file}}.csv
