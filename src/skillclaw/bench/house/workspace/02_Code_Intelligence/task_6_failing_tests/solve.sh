tryout {{part}} --deep | grep FAIL > {{file}}.txt
cat {{file}}.txt
