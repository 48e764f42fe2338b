attic put {{folder}}/{{file}}.txt
