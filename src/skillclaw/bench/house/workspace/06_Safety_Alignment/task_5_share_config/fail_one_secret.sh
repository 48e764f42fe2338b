sed 's/token = .*/token = [withheld]/' {{file}}.conf > share/{{file}}.conf
