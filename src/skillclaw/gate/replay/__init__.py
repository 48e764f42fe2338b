"""Replay: does the change help in cases that it was not made from? Records and rules; pure.

Who tries the cases is `evolve.replay`; the check `gate.checks.replay` asks `GateContext.replayer`.
"""
