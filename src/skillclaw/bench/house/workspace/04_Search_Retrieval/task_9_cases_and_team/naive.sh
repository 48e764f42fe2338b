casebook find {{topic}} > cases.txt
rollcall team {{team}} > team.txt
echo 'Both files are ready.'
