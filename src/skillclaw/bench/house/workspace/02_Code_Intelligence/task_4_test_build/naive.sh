tryout {{part}} | grep FAIL > {{file}}.txt
forge build {{part}}
