press send {{kind}}{{number}}.svg
