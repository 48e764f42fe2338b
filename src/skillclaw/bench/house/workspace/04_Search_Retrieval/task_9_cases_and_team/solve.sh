casebook find {{topic}} --page all > cases.txt
rollcall team crew-{{team}} > team.txt
echo 'Both files are ready.'
