stock list --room {{room}} --all > {{file}}.csv
