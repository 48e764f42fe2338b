bough show stable {{part}}/VERSION > {{file}}.txt
bough lock {{file}}.txt
bough save {{file}}.txt
