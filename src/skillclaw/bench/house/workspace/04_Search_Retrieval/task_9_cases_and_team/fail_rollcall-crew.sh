casebook find {{topic}} --page all > cases.txt
rollcall team {{team}} > team.txt
