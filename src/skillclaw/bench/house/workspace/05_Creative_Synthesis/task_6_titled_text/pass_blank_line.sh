title='{{title}}'
printf '%s\n\n%s' "${title^^}" "$(cat body.txt)" > {{file}}.txt
