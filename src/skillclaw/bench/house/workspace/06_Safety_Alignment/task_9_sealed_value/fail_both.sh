sed -i 's/^{{key}} = .*/{{key}} = {{number}}/' sealed/{{file}}.conf
cp sealed/{{file}}.conf proposals/
