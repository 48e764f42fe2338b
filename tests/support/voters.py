"""A group whose changes wait for votes: members with sessions of their own, and what tries a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from atif_sessions import Ran, session, write
from team import found, home, hub, joined, machine, sc, state

from skillclaw.gate.context import CurrentSkill
from skillclaw.gate.replay.records import CaseScore, Cost, ReplayResult
from skillclaw.hub import keys
from skillclaw.hub.counts import VOTERS
from skillclaw.hub.inbox import send
from skillclaw.server.votes.book import Tried
from skillclaw.server.votes.voting import Tester, vote
from skillclaw.settings_votes import VotesSettings
from skillclaw.skills.records import Proposal
from skillclaw.trajectory.model import Trajectory, meta

TEACHERS = ("bob", "cyd", "dan")
PRIVATE = "Zanzibar"
"""How a word begins that each person's sessions have, and that no object of the hub may have."""


def imported(place: Path, who: str, *numbers: int) -> None:
    """Sessions of the machine's own user, of the kind that the group's change is about."""
    word = f"{PRIVATE}{who}"
    error = f"error: externally-managed-environment\n\nThis environment is externally managed {word}"
    recovery = (
        Ran("pip install httpie", 1, error),
        Ran("python3 -m venv .venv", 0, ""),
        Ran(".venv/bin/pip install httpie", 0, f"Successfully installed httpie for {word}"),
    )
    made = []
    for number in numbers:
        one = session("", number, f"install httpie please for {word}", recovery)
        del one["extra"]["skillclaw"]["user"]
        one["session_id"] = f"{who}-{number}"
        made.append(one)
    (place / who).mkdir(exist_ok=True)
    sc(place, who, "import", str(write(place / who / f"s{numbers[0]}.jsonl", made)))


def taught(place: Path, asked: tuple[str, ...] = ("eve", "fay", "gus"), **rules: Any) -> str:
    """A group that was taught by some and asks others for their votes; the proposal that waits for them."""
    found(place)
    for who in (*TEACHERS, *asked):
        joined(place, who)
    for who in TEACHERS:
        imported(place, who, 1, 2)
        sc(place, who, "config", "set", "share.default", "redacted")
        sc(place, who, "share", "allow", "--hub", "team", "--past")
        sc(place, who, "share", "send")
    for who in asked:
        imported(place, who, 1, 2, 3, 4)
        sc(place, who, "config", "set", "gate.votes.enabled", "true")
    sc(place, "ada", "hub", "settings", "votes", msgspec.json.encode(rules).decode())
    report = evolved(place)
    (waits,) = [one for one in report["proposals"] if one["verdict"] == "open"]
    return str(waits["id"])


def evolved(place: Path, who: str = "ada") -> dict[str, Any]:
    """One cycle of the group."""
    report: dict[str, Any] = sc(place, who, "evolve", "--hub", "team")
    return report


def scored(
    better: int, worse: int = 0, same: int = 0
) -> Callable[[Proposal, list[Trajectory]], ReplayResult]:
    """Tries nothing: as many cases go better, worse and the same as is said."""

    def test(proposal: Proposal, sessions: list[Trajectory]) -> ReplayResult:
        ways = [(0.0, 1.0)] * better + [(1.0, 0.0)] * worse + [(0.5, 0.5)] * same
        scores = [
            CaseScore(
                case=f"c{number}",
                kind="decision",
                source="recorded",
                user=meta(sessions[0]).user,
                before=[before] * 5,
                after=[after] * 5,
                note=PRIVATE,
            )
            for number, (before, after) in enumerate(ways)
        ]
        return ReplayResult(
            proposal=proposal.id,
            model="openai:gpt-5-mini",
            scores=scores,
            cost=Cost(calls=7, tokens=70, seconds=1.2),
            missing=PRIVATE,
        )

    return test


def voted(place: Path, who: str, tester: Tester) -> list[Tried]:
    """What the machine of `who` tried, by `tester`."""

    def make(settings: VotesSettings, base: Mapping[str, CurrentSkill]) -> Tester:
        return tester

    return vote(machine(place, who), make)


def counts(place: Path, who: str, proposal: str, won: int, lost: int, **more: Any) -> dict[str, Any]:
    """Send counts as the machine of `who` would; what was sent."""
    known = state(place).proposals[proposal]
    body = {
        "proposal": proposal,
        "object": known.object,
        "won": won,
        "lost": lost,
        "tied": 0,
        "void": 0,
        "model": "gpt",
        "calls": 1,
        "tokens": 1,
        "seconds": 1,
        "skillclaw": "1",
        **more,
    }
    group = hub(place, who)
    send(group, "counts", body, role=group.acts_as(*VOTERS) or "member")
    return body


def member(place: Path, who: str) -> str:
    """What stands for the member `who`."""
    key = keys.load(home(place, who) / "keys", state(place).group, "member")
    assert key is not None
    return keys.public_hex(key)


def status(place: Path, proposal: str) -> str:
    """How the proposal stands in the log."""
    return state(place).proposals[proposal].status


def unpacked(data: bytes) -> bytes:
    """The bytes, and what is compressed in them as it reads."""
    import zstandard

    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return data + zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


def every_byte(folder: Path) -> bytes:
    """All that lies in the hub, names too."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return b"\n".join(str(path.relative_to(folder)).encode() + unpacked(path.read_bytes()) for path in files)
