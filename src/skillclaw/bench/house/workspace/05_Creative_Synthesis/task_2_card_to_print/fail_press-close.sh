card --title '{{title}}' --size 640x360 --out {{file}}.svg
press close
press send {{file}}.svg
