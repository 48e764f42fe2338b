people phone {{name}} --now > {{file}}.txt
cat {{file}}.txt
