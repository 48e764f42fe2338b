card --title '{{title}}' --size 640x360 --out {{file}}.svg
press send {{file}}.svg
press close
