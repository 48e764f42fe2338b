people mail {{name}} > {{file}}.txt
cat {{file}}.txt
