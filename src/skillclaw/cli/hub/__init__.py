"""Commands of groups: their hubs, who belongs to one by which keys, what its owner sets, and what this
machine shares with it.
"""
