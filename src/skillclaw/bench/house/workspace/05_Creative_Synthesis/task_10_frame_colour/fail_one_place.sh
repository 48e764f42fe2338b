sed -i "s/{{word}}/$(tint kelp)/" {{file}}.svg
