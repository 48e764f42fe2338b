"""A machine with skills for the page of skills to show: released, with evidence, measured, used, hostile."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from atif_sessions import session
from hubs_at_hand import Hubs, bundle

from skillclaw.hub import Hub
from skillclaw.skills.bundle import version
from skillclaw.skills.items import all_items
from skillclaw.skills.records import Bundle, Effect, File, Item, Ref, Sidecar
from skillclaw.trajectory.model import SkillUse, decode, meta, with_meta

STEPS = "## Steps\n\n- Run the checks.\n- Write the notes.\n\n## Avoid\n\n- Do not push on a Friday."
HOSTILE = (
    "<script>alert(1)</script> <b onmouseover=alert(2)>bold</b>\n\n"
    "[click](javascript:alert(3)) [shop](https://evil.example/?a=1) ![pixel](https://evil.example/p.png)\n\n"
    "- {{7*7}} <img src=x onerror=alert(4)> \u202egnp.exe\n- <https://evil.example/auto>\n\n"
    "| a | b |\n|--:|---|\n| 1 | <i>2</i> |\n"
)


def keys(*numbers: int) -> list[str]:
    """Keys of sessions."""
    return [hashlib.sha256(f"session {n}".encode()).hexdigest()[:16] for n in numbers]


def refs(count: int, people: int = 2, agent: str = "codex") -> list[Ref]:
    """References to so many sessions."""
    return [
        Ref(session=key, user=f"user{n % people}", agent=agent, day=f"2026-11-{n + 1:02d}", success=n != 0)
        for n, key in enumerate(keys(*range(count)))
    ]


def release(
    hubs: Hubs, hub: Hub, one: Bundle, evidence: dict[str, Item] | None = None, **more: object
) -> str:
    """Release `one`; `evidence` says by a line's text what it rests on."""
    given = evidence or {}
    items = [
        msgspec.structs.replace(
            item,
            evidence=given[item.text].evidence,
            odds_ratio=given[item.text].odds_ratio,
            ci=given[item.text].ci,
            helpful=given[item.text].helpful,
            harmful=given[item.text].harmful,
        )
        if item.text in given
        else item
        for item in all_items(one, None)
    ]
    sidecar = Sidecar(skill=one.name, version=version(one), items=items)
    name = hub.put_object(msgspec.json.encode(sidecar))
    return hubs.release(hub, one, sidecar=name, **more)


def rests(count: int, people: int = 2, **more: object) -> Item:
    """What a line rests on."""
    return Item(id="x", kind="step", text="x", evidence=refs(count, people), **more)  # type: ignore[arg-type]


def deploy(hubs: Hubs, *more: File) -> tuple[str, str]:
    """The skill `deploy` in the personal hub, by a person, then with evidence as a canary: the versions."""
    hub = hubs.machine.hub
    first = hubs.release(hub, bundle("deploy", "## Steps\n\n- Run the tests.\n- Write the notes."))
    files = [File(path="references/more.md", data=b"# More\n\n- A line of another file.\n"), *more]
    second = release(
        hubs,
        hub,
        bundle("deploy", STEPS, *files),
        {
            "Run the checks.": rests(5, odds_ratio=3.4, ci=(1.2, 9.6), helpful=5, harmful=1),
            "Write the notes.": rests(1, 1),
        },
        stage="canary",
        share=0.5,
    )
    return first, second


SCRIPT = File(path="run.sh", data=b"#!/bin/sh\necho {{7*7}} <script>\n", executable=True)
EFFECT = Effect(
    endpoint="outcome",
    treated_n=40,
    control_n=38,
    clients=4,
    treated_rate=0.8,
    control_rate=0.6,
    difference=0.2,
    ci=(0.05, 0.35),
)


def used(
    hubs: Hubs, skill: str, count: int, *, read: int = 0, days: float = 1.0, agent: str = "codex"
) -> None:
    """Sessions that were offered the skill, of which some read it, so many days ago."""
    at = datetime.now(UTC) - timedelta(days=days)
    made = []
    for number in range(count):
        one = session("u", number, f"deploy it {number}", [])
        one["steps"][0]["timestamp"] = at.isoformat()
        one["agent"]["name"] = agent
        found = decode(json.dumps(one).encode())
        use = SkillUse(name=skill, hub="personal", offered=True, read_step=2 if number < read else None)
        key = hashlib.sha256(f"{skill} {agent} {days} {number}".encode()).hexdigest()[:16]
        made.append(
            with_meta(found, msgspec.structs.replace(meta(found), key=key, project="/till", skills=[use]))
        )
    hubs.machine.sessions.put_many(made)


def house(place: Path) -> Hubs:
    """The machine."""
    hubs = Hubs(place)
    hubs.machine.prepare()
    return hubs
