stock list --room {{room}} --all > {{file}}.txt
cat {{file}}.txt
