tryout {{part}} --deep > {{file}}.txt
bough lock {{file}}.txt && bough save {{file}}.txt
