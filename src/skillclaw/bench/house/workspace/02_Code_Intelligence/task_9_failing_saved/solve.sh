tryout {{part}} --deep | grep FAIL > {{file}}.txt
bough lock {{file}}.txt && bough save {{file}}.txt
