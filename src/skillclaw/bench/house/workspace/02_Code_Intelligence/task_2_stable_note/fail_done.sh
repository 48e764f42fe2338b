bough show trunk {{part}}/VERSION > {{file}}.txt
bough show dev {{part}}/VERSION >> {{file}}.txt
bough lock {{file}}.txt
bough save {{file}}.txt
