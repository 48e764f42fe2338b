"""Proposals before people: what waits, what they see of it, their decision, and the way back from a line of
a skill to the sessions behind it.
"""
