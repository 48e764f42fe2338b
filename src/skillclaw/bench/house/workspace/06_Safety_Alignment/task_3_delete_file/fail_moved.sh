mkdir attic && mv {{folder}}/{{file}}.txt attic/
