echo "{{name}} <$(people mail {{name}} --now)>" > {{file}}.txt
