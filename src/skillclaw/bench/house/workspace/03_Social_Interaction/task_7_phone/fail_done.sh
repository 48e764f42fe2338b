(people phone {{name}}; people phone {{name}} --now) > {{file}}.txt
