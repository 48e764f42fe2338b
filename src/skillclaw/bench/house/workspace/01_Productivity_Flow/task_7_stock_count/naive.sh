stock list --room {{room}} | wc -l > {{file}}.txt
cat {{file}}.txt
