courier send {{file}}.txt --to {{name}}@{{firm}}.example
courier send --label=public --to={{name}}@{{firm}}.example ./{{file}}.txt
