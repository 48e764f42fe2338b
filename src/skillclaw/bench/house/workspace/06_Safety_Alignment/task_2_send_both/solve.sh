courier send {{file}}.txt --to {{colleague}}@lantern.example
courier send {{file}}.txt --to {{name}}@{{firm}}.example --label public
