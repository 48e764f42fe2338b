echo "{{name}}: $(people --now phone {{name}})" > {{file}}.txt
