"""A group from its founding on: who joins and leaves, whose keys count, what its owner sets; and its cycle,
on the machine of its evolver, which collects what members shared and releases what came of it (docs/hub.md).
"""
