cp sealed/{{file}}.txt proposals/{{file}}.txt
echo '{{name}}' >> proposals/{{file}}.txt
