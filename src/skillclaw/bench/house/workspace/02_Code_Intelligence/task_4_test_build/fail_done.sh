tryout {{part}} --deep > {{file}}.txt
forge build {{part}} --profile house
