"""The gate: what must be true of a change before it spreads.

`prune` takes single lines out that cannot stay, `judge` asks every check about the rest, `decide` says what
follows; `static_checks` is what a client asks again before it installs. A check is one file in `checks/`.
"""

from __future__ import annotations

from skillclaw.gate.checks import Check, ItemCheck, StaticCheck, checks
from skillclaw.gate.context import CurrentSkill, Fault, ForeignSkill, GateContext, Masker, SessionSource
from skillclaw.gate.judge import decide, judge
from skillclaw.gate.policies import POLICIES, Policy, policy
from skillclaw.gate.prune import faults, prune
from skillclaw.gate.static import beside, static_checks

__all__ = [
    "POLICIES",
    "Check",
    "CurrentSkill",
    "Fault",
    "ForeignSkill",
    "GateContext",
    "ItemCheck",
    "Masker",
    "Policy",
    "SessionSource",
    "StaticCheck",
    "beside",
    "checks",
    "decide",
    "faults",
    "judge",
    "policy",
    "prune",
    "static_checks",
]
