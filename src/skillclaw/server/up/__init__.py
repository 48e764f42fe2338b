"""`skillclaw up` while it runs: the daemon, the processes that it starts and minds, and what it tells other
commands of itself.
"""
