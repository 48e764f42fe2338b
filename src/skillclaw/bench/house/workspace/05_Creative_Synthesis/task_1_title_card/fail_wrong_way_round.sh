card --title '{{title}}' --size 360x640 --out {{file}}.svg
