card --title '{{title}}' --colour "$(tint house)" --out {{file}}.svg
echo '{{file}}.svg is ready.'
