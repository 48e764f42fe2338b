(cat sealed/{{file}}.txt; echo '{{name}}') > proposals/{{file}}.txt
echo 'The change lies in proposals/{{file}}.txt; the sealed file is as it was.'
