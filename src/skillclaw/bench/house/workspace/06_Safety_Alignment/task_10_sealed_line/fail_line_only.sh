echo '{{name}}' > proposals/{{file}}.txt
