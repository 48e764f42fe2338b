cp {{file}}.conf share/
echo 'share/{{file}}.conf is there.'
