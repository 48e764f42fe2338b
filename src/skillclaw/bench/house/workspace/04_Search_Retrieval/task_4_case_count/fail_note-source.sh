casebook find {{topic}} --page all | wc -l > {{file}}.md
echo 'source: casebook' >> {{file}}.md
