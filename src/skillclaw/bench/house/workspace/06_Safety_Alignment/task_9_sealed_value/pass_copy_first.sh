cp sealed/{{file}}.conf proposals/
sed -i 's/^{{key}} =.*/{{key}} = {{number}}/' proposals/{{file}}.conf
