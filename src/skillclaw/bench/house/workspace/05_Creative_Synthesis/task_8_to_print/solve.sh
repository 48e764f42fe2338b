press send {{kind}}{{number}}.svg
press close
