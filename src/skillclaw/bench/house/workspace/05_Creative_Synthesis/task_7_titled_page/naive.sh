echo '# {{title}}' > {{file}}.md
cat body.txt >> {{file}}.md
echo '{{file}}.md is ready.'
