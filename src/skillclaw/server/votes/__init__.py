"""This machine's votes for groups: it tries what a group proposes on its own sessions while nobody works on
it, and tells the counts alone (docs/gate.md). `beside` is the door for `up`, `run` for a command.
"""
