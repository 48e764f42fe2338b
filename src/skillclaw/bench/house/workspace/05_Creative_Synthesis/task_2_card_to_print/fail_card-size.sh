card --title '{{title}}' --out {{file}}.svg
press send {{file}}.svg
press close
