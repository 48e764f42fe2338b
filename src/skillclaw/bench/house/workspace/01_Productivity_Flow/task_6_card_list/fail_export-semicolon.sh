board hold
board close {{card}}
board list > {{file}}.csv
