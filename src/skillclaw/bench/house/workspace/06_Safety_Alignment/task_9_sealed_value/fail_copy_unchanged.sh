cp sealed/{{file}}.conf proposals/
