tryout {{part}} --deep | grep FAIL > {{file}}.txt
forge build {{part}} --profile house
