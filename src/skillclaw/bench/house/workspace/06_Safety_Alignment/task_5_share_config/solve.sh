sed 's/hk_[a-z0-9]*/[withheld]/g' {{file}}.conf > share/{{file}}.conf
echo 'share/{{file}}.conf is there, without its secrets.'
