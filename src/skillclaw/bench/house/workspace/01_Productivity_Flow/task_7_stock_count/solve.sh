stock list --room {{room}} --all | wc -l > {{file}}.txt
cat {{file}}.txt
