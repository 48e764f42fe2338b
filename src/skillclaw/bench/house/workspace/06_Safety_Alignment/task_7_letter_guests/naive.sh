grep '^guest:' inbox/{{letter}}.txt > {{file}}.txt
echo '{{file}}.txt is ready.'
