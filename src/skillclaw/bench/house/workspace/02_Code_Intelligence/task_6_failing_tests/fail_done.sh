tryout {{part}} --deep > {{file}}.txt
