echo '{{name}}' >> sealed/{{file}}.txt
echo 'The line is added.'
