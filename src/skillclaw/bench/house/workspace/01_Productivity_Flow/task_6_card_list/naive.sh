board close {{card}}
board list > {{file}}.csv
