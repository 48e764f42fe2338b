"""Rollout: what became of a canary, by its switchback arms (`hub.arms`), and what follows. Pure.

`evolve.rollouts` collects what was seen and commits what is decided; the simulator drives the same rules.
docs/rollout.md has the method, its error rates, and how they were measured.
"""

from __future__ import annotations

from skillclaw.gate.rollout.deciding import decide
from skillclaw.gate.rollout.records import Decision, Observation
from skillclaw.gate.rollout.rules import Rules, rules_for

__all__ = ["Decision", "Observation", "Rules", "decide", "rules_for"]
