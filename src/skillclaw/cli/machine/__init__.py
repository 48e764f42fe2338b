"""Commands of this machine: `up` and what goes with it, agents, settings, the dashboard, backups, and the
end of it all.
"""
