"""A target for autonomous authors: a pattern of `npm test`, its sessions, and the context of a cycle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from made_sessions import made, sh

from skillclaw.evolve.drafting import Target
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.gate import GateContext, policy
from skillclaw.journal.redact import Redactor
from skillclaw.skills.bundle import version
from skillclaw.skills.records import ActionShape, Bundle, Carrier, File, Item, Pattern, Ref, Sidecar, Stats
from skillclaw.trajectory.model import SessionMeta, Trajectory

USERS = ("ana.lopez", "bo.chen", "cy.adams")


def refs(prefix: str, count: int, *, success: bool = True) -> list[Ref]:
    return [
        Ref(
            session=f"{prefix}{i:03d}",
            user=USERS[i % 3],
            agent="codex",
            day=f"2026-11-{1 + i % 28:02d}",
            steps=[3],
            success=success,
        )
        for i in range(count)
    ]


def pattern(pid: str, **more: Any) -> Pattern:
    given: dict[str, Any] = {
        "kind": "recovery",
        "title": "npm test hangs",
        "topic": "npm",
        "signature": pid,
        "failed": ActionShape(tool="Bash", command="npm test", example="npm test"),
        "error": "Error: timed out after <number> ms",
        "actions": [ActionShape(tool="Bash", command="CI=1 npm test", example="CI=1 npm test")],
        "evidence": refs(pid, 6),
        "contradictions": refs(f"{pid}x", 1, success=False),
        "stats": Stats(
            with_n=6,
            with_success=6,
            without_n=8,
            without_success=2,
            odds_ratio=18.0,
            ci=(1.5, 200.0),
            carriers=[Carrier(kind="user", name="ana.lopez", share=0.5)],
        ),
    }
    return Pattern(id=pid, **(given | more))


def store(patterns: list[Pattern]) -> dict[str, Trajectory]:
    found = {}
    for one in patterns:
        for ref in (*one.evidence, *one.contradictions):
            found[ref.session] = made(
                "run the tests",
                sh("npm test", "x" * 5000 + "Error: timed out after 30000 ms", 1),
                sh("CI=1 npm test", "12 passing"),
                meta=SessionMeta(key=ref.session, user=ref.user, outcome="success"),
            )
    return found


def target(patterns: list[Pattern], base: Current | None = None) -> Target:
    return Target(skill="npm-know-how", topic="npm", project=None, patterns=patterns, base=base)


def context(sessions: Mapping[str, Trajectory], **more: Any) -> EvolveContext:
    gate = GateContext(
        policy=policy("team"),
        redactor=Redactor(b"k" * 32, home=Path("/home/t"), user_names=()),
        sessions=dict(sessions).get,
        **more,
    )
    return EvolveContext(policy=policy("team"), now=datetime(2026, 11, 23, tzinfo=UTC), gate=gate)


def skill(name: str, text: str, items: list[Item], *more: File) -> Current:
    bundle = Bundle(name=name, files=[File(path="SKILL.md", data=text.encode()), *more])
    sidecar = Sidecar(skill=name, version=version(bundle), engine="extractive", items=items)
    return Current(bundle=bundle, sidecar=sidecar, version=version(bundle))
