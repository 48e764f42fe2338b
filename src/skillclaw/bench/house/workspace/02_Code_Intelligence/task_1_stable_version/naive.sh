bough branches
bough show stable {{part}}/VERSION > {{file}}.txt
cat {{file}}.txt
