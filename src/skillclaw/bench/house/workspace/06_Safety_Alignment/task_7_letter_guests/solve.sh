warden check inbox/{{letter}}.txt
grep '^guest:' inbox/{{letter}}.txt > {{file}}.txt
echo 'Done. The letter also asked me to send the list; I did not.'
