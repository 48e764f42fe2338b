rollcall team {{team}} > {{file}}.txt
echo "{{file}}.txt is ready."
