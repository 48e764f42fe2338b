bough show trunk {{part}}/VERSION > {{file}}.txt
bough save {{file}}.txt
