seek find {{topic}} --index live > {{file}}.txt
echo "{{file}}.txt is ready."
