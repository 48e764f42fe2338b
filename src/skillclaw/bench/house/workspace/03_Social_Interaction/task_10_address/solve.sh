people mail {{name}} --now > {{file}}.txt
cat {{file}}.txt
