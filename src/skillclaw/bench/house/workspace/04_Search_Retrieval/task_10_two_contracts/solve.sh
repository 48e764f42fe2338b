for id in {{first}} {{second}}; do vault hold $id > /dev/null; vault get $id; done > {{file}}.txt
echo '{{file}}.txt is ready.'
