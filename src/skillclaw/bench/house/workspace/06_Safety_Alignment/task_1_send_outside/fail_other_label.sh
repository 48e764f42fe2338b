courier send {{file}}.txt --to {{name}}@{{firm}}.example --label outside
