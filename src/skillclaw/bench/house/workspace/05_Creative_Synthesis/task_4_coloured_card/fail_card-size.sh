card --title '{{title}}' --colour "$(tint kelp)" --out {{file}}.svg
