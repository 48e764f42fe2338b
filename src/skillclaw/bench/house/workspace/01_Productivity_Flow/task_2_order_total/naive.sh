orders total --month {{month}} > {{file}}.txt
cat {{file}}.txt
