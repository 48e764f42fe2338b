card --title '{{title}}' --out {{file}}.svg
echo '{{file}}.svg is ready.'
