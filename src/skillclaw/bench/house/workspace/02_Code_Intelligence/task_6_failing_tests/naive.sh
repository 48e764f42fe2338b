tryout {{part}} | grep FAIL > {{file}}.txt
cat {{file}}.txt
