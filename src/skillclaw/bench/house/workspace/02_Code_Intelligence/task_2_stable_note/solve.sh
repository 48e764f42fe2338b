bough show trunk {{part}}/VERSION > {{file}}.txt
bough lock {{file}}.txt
bough save {{file}}.txt
