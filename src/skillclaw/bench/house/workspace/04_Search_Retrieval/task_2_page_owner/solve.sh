seek find {{topic}} --index live > {{file}}.md
echo 'src: seek' >> {{file}}.md
echo '{{file}}.md is ready.'
