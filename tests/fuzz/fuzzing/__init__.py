"""What the fuzzing is made of: targets, mutations, one child process for each target, findings.

`run.py` beside this folder drives it (`make fuzz`); `test_fuzz_targets.py` runs every target a little.
"""
