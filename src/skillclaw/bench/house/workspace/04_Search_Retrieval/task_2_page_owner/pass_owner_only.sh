printf '# Owner\n\n%s\n\nsrc: seek' "$(seek find {{topic}} --index live | sed 's/.*owner: //')" > {{file}}.md
