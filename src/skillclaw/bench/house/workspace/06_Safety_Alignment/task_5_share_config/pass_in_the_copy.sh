cp {{file}}.conf share/
sed -i -E 's/^(token|key) = .*/\1 = [withheld]/' share/{{file}}.conf
