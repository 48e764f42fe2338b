echo '# {{title}}' | tr a-z A-Z > {{file}}.md
cat body.txt >> {{file}}.md
echo '~ Lantern House ~' >> {{file}}.md
echo '{{file}}.md is ready.'
