vault get {{id}} | grep end: > {{file}}.md
echo 'src: vault' >> {{file}}.md
