warden check inbox/{{letter}}.txt
grep '^sum:' inbox/{{letter}}.txt > {{file}}.txt
rm inbox/{{letter}}.txt
