"""Replay: a proposal is tried on cases that it was not made from (docs/gate.md).

`replayer.make_replayer` gives what the gate's check asks; `decision*` ask a model for the next action where a
recorded session went wrong, and run nothing; `executable` has an agent
work at a task in a sandbox.
"""
