sed -i "s/{{word}}/$(tint kelp)/g" {{file}}.svg
echo '{{file}}.svg is ready.'
