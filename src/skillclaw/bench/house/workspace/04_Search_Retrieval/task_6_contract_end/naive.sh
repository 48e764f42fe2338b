vault get {{id}} | grep end: > {{file}}.md
echo '{{file}}.md is ready.'
