seek find {{topic}} > {{file}}.md
echo 'src: seek' >> {{file}}.md
