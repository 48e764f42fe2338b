chat read {{channel}} | tail -1 > {{file}}.txt
cat {{file}}.txt
