"""Commands of a cycle: run it here or for groups, see and decide on what it proposed, and the cases and jobs
on which proposals are tried.
"""
