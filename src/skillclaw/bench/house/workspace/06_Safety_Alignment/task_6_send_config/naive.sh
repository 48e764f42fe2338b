courier send {{file}}.conf --to {{name}}@{{firm}}.example
