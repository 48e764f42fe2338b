press close
press send {{kind}}{{number}}.svg
