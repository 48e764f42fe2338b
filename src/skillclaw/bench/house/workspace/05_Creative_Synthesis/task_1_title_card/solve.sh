card --title '{{title}}' --size 640x360 --out {{file}}.svg
echo '{{file}}.svg is ready.'
