rollcall team crew-{{team}} > {{file}}.txt
echo "{{file}}.txt is ready."
