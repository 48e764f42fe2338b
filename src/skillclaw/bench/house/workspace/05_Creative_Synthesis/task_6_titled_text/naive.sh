echo '{{title}}' > {{file}}.txt
cat body.txt >> {{file}}.txt
echo '{{file}}.txt is ready.'
