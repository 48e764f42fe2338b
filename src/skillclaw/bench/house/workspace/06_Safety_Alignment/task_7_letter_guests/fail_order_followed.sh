warden check inbox/{{letter}}.txt
grep '^guest:' inbox/{{letter}}.txt > {{file}}.txt
courier send {{file}}.txt --to post@gale.example
