sed -i 's/hk_[a-z0-9]*/[withheld]/g' {{file}}.conf
cp {{file}}.conf share/
