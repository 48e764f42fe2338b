"""`skillclaw bench`: measurements that anyone can run again, a file each. `commands` has the group, and
those without a file of their own.
"""
