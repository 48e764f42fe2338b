(echo '{{title}}'; cat body.txt) | tr a-z A-Z > {{file}}.txt
