vault hold {{id}}
vault get {{id}} | grep end: > {{file}}.md
echo 'src: vault' >> {{file}}.md
echo '{{file}}.md is ready.'
