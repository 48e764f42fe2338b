sed -i 's/^{{key}} = .*/{{key}} = {{number}}/' sealed/{{file}}.conf
echo 'sealed/{{file}}.conf is changed.'
