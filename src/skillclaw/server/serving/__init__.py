"""The evolve server of groups, without its HTTP API: when cycles are due, and the processes that run them.

`schedule` decides, `looking` asks hubs what is new, `worker` is one cycle in a process of its own, `children`
starts and ends these, `history` remembers what they did, and `Service` keeps all of it going.
"""
