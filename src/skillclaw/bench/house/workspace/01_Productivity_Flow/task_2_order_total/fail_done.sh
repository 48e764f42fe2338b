orders total --site main > {{file}}.txt
cat {{file}}.txt
