tryout {{part}} | grep FAIL > {{file}}.txt
bough save {{file}}.txt
