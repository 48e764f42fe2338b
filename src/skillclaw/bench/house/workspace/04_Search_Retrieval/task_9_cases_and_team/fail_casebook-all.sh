casebook find {{topic}} > cases.txt
rollcall team crew-{{team}} > team.txt
