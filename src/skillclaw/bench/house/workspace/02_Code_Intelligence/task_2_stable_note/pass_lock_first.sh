bough lock ./{{file}}.txt
bough show trunk {{part}}/VERSION | tee {{file}}.txt
bough save /tmp_workspace/{{file}}.txt
