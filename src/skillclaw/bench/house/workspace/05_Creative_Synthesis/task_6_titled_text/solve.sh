echo '{{title}}' | tr a-z A-Z > {{file}}.txt
cat body.txt >> {{file}}.txt
echo '{{file}}.txt is ready.'
