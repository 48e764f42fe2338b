bough show trunk {{part}}/VERSION > {{file}}.txt
cat {{file}}.txt
