sed 's/hk_[a-z0-9]*/[withheld]/g' {{file}}.conf > copy.conf
courier send copy.conf --to {{name}}@{{firm}}.example
