tryout {{part}} --deep | grep FAIL > {{file}}.txt
bough save {{file}}.txt
