echo '# {{title}}' | tr a-z A-Z > {{file}}.md
cat body.txt >> {{file}}.md
