people phone {{name}} > {{file}}.txt
cat {{file}}.txt
