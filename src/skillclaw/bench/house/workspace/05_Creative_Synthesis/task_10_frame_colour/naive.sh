sed -i "s/{{word}}/$(tint house)/g" {{file}}.svg
echo '{{file}}.svg is ready.'
