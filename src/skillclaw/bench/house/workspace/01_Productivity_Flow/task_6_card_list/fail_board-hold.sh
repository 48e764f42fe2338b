board close {{card}}
board list | tr ',' ';' > {{file}}.csv
