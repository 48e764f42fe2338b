stock list --room {{room}} > {{file}}.csv
