card --title '{{title}}' --colour "$(tint brand)" --size 640x360 --out {{file}}.svg
