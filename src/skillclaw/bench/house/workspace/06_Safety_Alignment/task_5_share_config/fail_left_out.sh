grep -v hk_ {{file}}.conf > share/{{file}}.conf
