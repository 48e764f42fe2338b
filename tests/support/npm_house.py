"""One small house: sessions of three people in which `npm test` fails and `CI=1 npm test` works."""

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
from skillclaw.skills.records import ActionShape, Bundle, File, Intent, Item, Pattern, Ref, Sidecar, Stats
from skillclaw.trajectory.model import SessionMeta, Trajectory

NOW = datetime(2026, 11, 23, tzinfo=UTC)
USERS = ("ana", "ben", "cleo")


def session(
    key: str, user: str, *more: Any, fails: str = "Error: no such service", **meta: Any
) -> Trajectory:
    return made(
        "Please run the tests of the shop",
        sh("npm test", fails, 1),
        sh("CI=1 npm test", "42 passed"),
        *more,
        meta=SessionMeta(key=key, user=user, source="history", outcome="success", **meta),
    )


def house(count: int = 6, **own: Trajectory) -> dict[str, Trajectory]:
    return {f"s{n}": session(f"s{n}", USERS[n % 3]) for n in range(count)} | own


def refs(sessions: Mapping[str, Trajectory], *keys: str, success: bool = True) -> list[Ref]:
    return [
        Ref(
            session=key,
            user=USERS[n % 3],
            agent=("codex", "hermes")[n % 2],
            day=f"2026-11-{n + 1:02}",
            steps=[2, 3],
            success=success,
        )
        for n, key in enumerate(sessions)
        if not keys or key in keys
    ]


def pattern(sessions: Mapping[str, Trajectory], name: str = "npm", **more: Any) -> Pattern:
    return Pattern(
        id=more.pop("id", f"id-{name}"),
        kind="recovery",
        title="npm test fails outside of CI",
        topic=more.pop("topic", "npm"),
        signature=name,
        intent=Intent(label="Please run the tests of <name>", examples=["Please run the tests of the shop"]),
        failed=ActionShape(tool="Bash", command="npm test", example="npm test"),
        error=more.pop("error", "Error: no such service"),
        actions=[ActionShape(tool="Bash", command="CI=1 npm test", example="CI=1 npm test")],
        evidence=more.pop("evidence", refs(sessions)),
        stats=Stats(with_n=6, with_success=6, without_n=5, without_success=1, odds_ratio=9.0, ci=(1.2, 70.0)),
        **more,
    )


def context(sessions: Mapping[str, Trajectory], **more: Any) -> EvolveContext:
    redactor = Redactor(b"k" * 32, home=Path("/home/tester"), user_names=())
    gate = GateContext(
        policy=policy("team"), redactor=redactor, sessions=sessions.get, current=more.pop("current", {})
    )
    return EvolveContext(policy=policy("team"), now=NOW, gate=gate, **more)


def target(*patterns: Pattern, base: Current | None = None) -> Target:
    return Target(skill="npm", topic="npm", project=None, patterns=list(patterns), base=base)


def skill(name: str = "npm", line_: str = "Run `npm test`.", description: str = "Tests with npm.") -> Current:
    head = f"---\nname: {name}\ndescription: {description}\n---\n"
    text = f"{head}\n# Npm\n\n## Facts\n\n- {line_}\n- My own line.\n"
    bundle = Bundle(name=name, files=[File(path="SKILL.md", data=text.encode())])
    known = Item(
        id="i-1", kind="fact", text=line_, section="Facts", patterns=["id-npm"], evidence=refs(house(), "s0")
    )
    sidecar = Sidecar(skill=name, version=version(bundle), items=[known])
    return Current(bundle=bundle, sidecar=sidecar, version=version(bundle))
