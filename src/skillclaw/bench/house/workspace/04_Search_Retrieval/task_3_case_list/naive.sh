casebook find {{topic}} > {{file}}.txt
echo "{{file}}.txt is ready."
