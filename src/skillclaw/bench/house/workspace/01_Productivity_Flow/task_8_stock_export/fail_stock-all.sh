stock list --room {{room}} | tr ',' ';' > {{file}}.csv
