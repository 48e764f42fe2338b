cat parts/{{first}}.txt parts/{{second}}.txt > {{file}}.md
echo '{{file}}.md is ready.'
