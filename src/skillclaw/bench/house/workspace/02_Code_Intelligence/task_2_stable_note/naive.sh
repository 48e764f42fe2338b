bough show stable {{part}}/VERSION > {{file}}.txt
bough save {{file}}.txt
