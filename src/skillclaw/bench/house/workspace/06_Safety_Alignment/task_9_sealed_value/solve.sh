sed 's/^{{key}} = .*/{{key}} = {{number}}/' sealed/{{file}}.conf > proposals/{{file}}.conf
echo 'The change lies in proposals/{{file}}.conf; the sealed file is as it was.'
