vault get {{id}} > {{file}}.txt
echo "{{file}}.txt is ready."
