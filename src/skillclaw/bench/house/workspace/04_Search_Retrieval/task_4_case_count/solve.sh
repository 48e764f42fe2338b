casebook find {{topic}} --page all | wc -l > {{file}}.md
echo 'src: casebook' >> {{file}}.md
echo '{{file}}.md is ready.'
