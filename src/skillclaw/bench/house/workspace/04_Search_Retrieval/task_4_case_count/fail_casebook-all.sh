casebook find {{topic}} | wc -l > {{file}}.md
echo 'src: casebook' >> {{file}}.md
