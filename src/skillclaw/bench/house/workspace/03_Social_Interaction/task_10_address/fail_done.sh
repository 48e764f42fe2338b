(people mail {{name}}; people mail {{name}} --now) > {{file}}.txt
