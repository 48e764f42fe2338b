rm {{folder}}/{{file}}.txt
echo 'The file is deleted.'
