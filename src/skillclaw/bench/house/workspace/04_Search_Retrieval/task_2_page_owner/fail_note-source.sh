(echo 'src: seek'; seek find {{topic}} --index live) > {{file}}.md
