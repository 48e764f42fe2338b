"""Skills as they are on this machine: found by name, with what is known of each; those that the user edited,
those that agents wrote by themselves, and how often all of them are used.
"""
