bough show main {{part}}/VERSION > {{file}}.txt
