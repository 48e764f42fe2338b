press send /tmp_workspace/{{kind}}{{number}}.svg && press close
