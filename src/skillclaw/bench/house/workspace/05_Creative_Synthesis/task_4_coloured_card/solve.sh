card --title '{{title}}' --colour "$(tint kelp)" --size 640x360 --out {{file}}.svg
echo '{{file}}.svg is ready.'
