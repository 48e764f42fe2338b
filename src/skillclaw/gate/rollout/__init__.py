"""Rollout: what became of a canary, by its switchback arms (`hub.arms`), and what follows. Pure.

`evolve.rollouts` collects what was seen and commits what is decided; the simulator drives the same rules.
"""
