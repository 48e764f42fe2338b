casebook find {{topic}} | wc -l > {{file}}.md
echo '{{file}}.md is ready.'
