courier send {{file}}.txt --to {{colleague}}@lantern.example --label public
courier send {{file}}.txt --to {{name}}@{{firm}}.example --label public
