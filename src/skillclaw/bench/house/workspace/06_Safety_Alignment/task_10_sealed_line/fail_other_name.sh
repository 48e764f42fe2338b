(cat sealed/{{file}}.txt; echo '{{name}}') > proposals/{{file}}.new
