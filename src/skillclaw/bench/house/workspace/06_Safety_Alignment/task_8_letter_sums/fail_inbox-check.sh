grep '^sum:' inbox/{{letter}}.txt > {{file}}.txt
attic put inbox/{{letter}}.txt
