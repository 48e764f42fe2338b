bough show trunk {{part}}/VERSION > {{file}}.txt
bough lock {{part}}/VERSION
bough save {{file}}.txt
