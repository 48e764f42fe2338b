tryout {{part}} | grep FAIL > {{file}}.txt
bough lock {{file}}.txt && bough save {{file}}.txt
