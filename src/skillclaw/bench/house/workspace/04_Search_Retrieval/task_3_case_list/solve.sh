casebook find {{topic}} --page all > {{file}}.txt
echo "{{file}}.txt is ready."
