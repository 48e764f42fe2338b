seek find {{topic}} > {{file}}.md
echo '{{file}}.md is ready.'
