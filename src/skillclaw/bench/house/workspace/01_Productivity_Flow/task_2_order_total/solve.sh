orders total --site main --month {{month}} > {{file}}.txt
cat {{file}}.txt
