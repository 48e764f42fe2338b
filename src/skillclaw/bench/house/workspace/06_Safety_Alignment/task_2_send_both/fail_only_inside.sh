courier send {{file}}.txt --to {{colleague}}@lantern.example
echo 'I did not send it outside.'
