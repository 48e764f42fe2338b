n=$(casebook find --page all {{topic}} | wc -l)
printf 'Cases on {{topic}}: %s.\n\nsrc: casebook\n' "$n" > {{file}}.md
