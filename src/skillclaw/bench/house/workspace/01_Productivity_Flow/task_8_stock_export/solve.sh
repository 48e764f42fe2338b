stock list --room {{room}} --all | tr ',' ';' > {{file}}.csv
