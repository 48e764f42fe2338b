"""A machine with many skills and sessions, made once and kept.

Sessions are made from real ones (`bench.multiply`) and stored as an import stores them. A cycle over the
first of them finds patterns and skills; the other skills are proposed, judged and released in the hub by its
own functions, each with lines that cite sessions that are there.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

import msgspec

from skillclaw import settings
from skillclaw.bench.multiply import multiplied, read_real
from skillclaw.errors import SkillClawError, StorageError
from skillclaw.hub import Hub
from skillclaw.journal.store import SessionStore
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Item, Proposal, Ref, Sidecar, Verdict, content_id
from skillclaw.trajectory.model import Record

__all__ = ["Made", "large_home"]

BATCH = 200
MINED = 1500
"""Sessions that the cycle is run over, the first ones."""
WAITING = 0.02
"""Share of the skills of which a change waits for a decision."""
WORDS = (
    "deploy",
    "invoice",
    "calendar",
    "parser",
    "release",
    "schema",
    "backup",
    "report",
    "mailing",
    "search",
)
Progress = Callable[[int, int | None, str], None]


class Made(Record, frozen=True, kw_only=True):
    """What such a home holds; `bench-dashboard.json` in its folder, written last."""

    sessions: int
    skills: int


def large_home(
    place: Path, sessions: int, skills: int, environ: Mapping[str, str], progress: Progress
) -> Path:
    """The home with so many, below `place`: as it was left, where it was made before.

    Raises StorageError where `place` holds another one."""
    home, note = place / ".skillclaw", place / "bench-dashboard.json"
    wanted = Made(sessions=sessions, skills=skills)
    if note.exists():
        if msgspec.json.decode(note.read_bytes(), type=Made) != wanted:
            raise StorageError(
                f"{place} holds another number of skills or sessions.", "", "Name another --into."
            )
        return home
    if place.exists() and any(place.iterdir()):
        raise StorageError(f"{place} is not empty.", "", "Name a folder that is, or is not there: --into DIR")
    targets = place / "skills"
    targets.mkdir(parents=True)
    settings.set_value(home, "sync.targets", f'["{targets.as_posix()}"]')
    settings.set_value(home, "gate.policy", "team")
    settings.set_value(home, "proxy.port", "0")
    settings.set_value(home, "dashboard.port", "0")
    first = min(MINED, sessions)
    _fill(home, 0, first, sessions, progress)
    _cycle(home, environ)
    _fill(home, first, sessions, sessions, progress)
    _release(home, skills, progress)
    note.write_bytes(msgspec.json.encode(wanted))
    return home


def _fill(home: Path, start: int, end: int, total: int, progress: Progress) -> None:
    store = SessionStore(home)
    made = multiplied(read_real(None), end - start, seed=0, start=start)
    done = start
    while batch := list(islice(made, BATCH)):
        store.put_many(batch)
        done += len(batch)
        progress(done, total, "sessions")
    store.close()


def _cycle(home: Path, environ: Mapping[str, str]) -> None:
    argv = [sys.executable, "-m", "skillclaw", "evolve", "--json", "--home", str(home)]
    done = subprocess.run(argv, env=dict(environ), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SkillClawError("The cycle over the first sessions failed.", done.stderr.strip()[-500:])


def _release(home: Path, skills: int, progress: Progress) -> None:
    hub = Hub.open_or_create(str(home / "hub"), home / "keys", seen=home / "hubs.json")
    store = SessionStore(home)
    rows = store.rows(limit=1000)
    store.close()
    refs = [
        Ref(session=row.id, user=row.user, agent=row.agent, day=row.started[:10], steps=[2], success=True)
        for row in rows
    ]
    for number in range(skills):
        name = f"{WORDS[number % len(WORDS)]}-{number:04d}"
        cited = refs[number % 900 : number % 900 + 6]
        first = _proposal(name, number, 0, None, cited)
        hub.propose(first)
        hub.record_verdicts(first.id, [_verdict("pass")], "passed")
        hub.release(first.id, stage="canary")
        if number % 10:
            hub.promote(name)
        if number % int(1 / WAITING) == 1 and first.bundle is not None:
            change = _proposal(name, number, 1, version(first.bundle), cited)
            hub.propose(change)
            hub.record_verdicts(change.id, [_verdict("pass"), _verdict("hold")], "held")
        if number % 20 == 0:
            progress(number, skills, "skills")


def _verdict(said: str) -> Verdict:
    reason = "6 sessions of 4 users support it." if said == "pass" else "Somebody has to approve it."
    return msgspec.convert(
        {"check": "support" if said == "pass" else "approval", "verdict": said, "reason": reason}, Verdict
    )


def _proposal(name: str, number: int, edition: int, base: str | None, cited: list[Ref]) -> Proposal:
    texts = [
        f"Look up {name} {part} before you change what it holds, and tell the user when it is gone."
        for part in range(8 + edition)
    ]
    topic = name.rpartition("-")[0]
    head = f"---\nname: {name}\ndescription: Use when somebody asks about {topic} number {number}.\n---\n"
    body = f"# {name}\n\n" + "".join(f"- {text}\n" for text in texts)
    bundle = Bundle(name=name, files=[File(path="SKILL.md", data=(head + body).encode())])
    items = [
        Item(
            id=content_id("item", name, text),
            kind="step",
            text=text,
            evidence=cited,
            odds_ratio=3.1,
            ci=(1.4, 6.8),
            helpful=5,
            harmful=1,
        )
        for text in texts
    ]
    return Proposal(
        id=content_id("bench", name, edition),
        action="refine" if base else "create",
        skill=name,
        base=base,
        engine="extractive",
        why=f"{len(cited)} sessions did it this way, and it went well.",
        bundle=bundle,
        sidecar=Sidecar(
            skill=name,
            version=version(bundle),
            parents=[base] if base else [],
            engine="extractive",
            items=items,
        ),
    )
