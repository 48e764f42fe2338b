"""Sessions on this machine: how they come in, by the proxy or from histories, what is added to them later,
and how they are forgotten. The store itself is `journal.store`.
"""
