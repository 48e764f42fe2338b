"""`skillclaw bench replay`: does the replay let a good skill through, and a wrong one not? (docs/gate.md)

`lessons` mines a skill from WorkBench and finds what it is tried on, `wrong` makes two wrong skills of it,
`screening` chooses the cases by the bare model alone, `runs` lets an agent work on tasks and remembers it,
`bench` does all of it and `summary` tells it.
"""
