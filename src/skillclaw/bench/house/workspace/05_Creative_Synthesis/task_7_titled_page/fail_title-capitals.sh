echo '# {{title}}' > {{file}}.md
cat body.txt >> {{file}}.md
echo '~ Lantern House ~' >> {{file}}.md
