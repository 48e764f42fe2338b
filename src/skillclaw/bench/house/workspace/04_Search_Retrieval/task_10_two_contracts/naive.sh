(vault get {{first}}; vault get {{second}}) > {{file}}.txt
echo '{{file}}.txt is ready.'
