card --title 'Card' --size 640x360 --out {{file}}.svg
