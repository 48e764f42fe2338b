grep '^sum:' inbox/{{letter}}.txt > {{file}}.txt
rm inbox/{{letter}}.txt
echo 'The letter is deleted.'
