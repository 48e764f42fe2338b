board hold
board close {{card}}
board list | grep -v {{card}} | tr ',' ';' > {{file}}.csv
