"""Sessions cut into episodes, once each, in a form that is kept: the first stage of a cycle.

A cut is what mining needs of one session and nothing else, so that a cycle reads each session once in its
life, not once a cycle. It names the units (`Unit`) that the session's episodes belong to; a unit is what is
mined, and mined anew, by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import msgspec

from skillclaw import zstd
from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.model import Record, Trajectory, decode, meta

__all__ = [
    "Cut",
    "Head",
    "Part",
    "cut_bodies",
    "cut_session",
    "pack",
    "rank",
    "skill_name",
    "skill_uses",
    "unit_name",
    "unpack",
    "unpack_head",
]

UnitKind = Literal["task", "failure", "topic", "calls"]
"""What is mined by itself: a family of tasks; the failures of one tool or program, with all that came after
them; what users corrected about one topic. `calls` is only read: every call of one tool or program."""

PART_CUT = 200
"""Characters of an error template that tell one part of a failure from another."""


class Part(Record, frozen=True, kw_only=True):
    """A part of a unit: for a failure one error template; units of other kinds have one part."""

    unit: str
    part: str = ""


class Head(Record, frozen=True, kw_only=True):
    """What the state keeps of a session beside its episodes.

    mark     user and key: of one mark only the highest revision counts
    parts    where its episodes belong; task units are not among them, for they depend on all requests
    fixes    for each recovery the key of what failed and of the last call after it
    corrected  for each correction its topic and the keys of what went wrong and of what came instead
    intents  the user's requests, each once
    day      `YYYY-MM-DD`, empty when no step says
    env      facts seen (os, tool versions)
    started  when its first step was (ISO 8601), empty when no step says
    client   who recorded it; edited: skills of which it had a copy that the user had changed
    """

    mark: str
    key: str
    user: str
    project: str
    day: str
    outcome: Literal["success", "failure", "unknown"]
    revision: int
    episodes: int
    parts: list[Part]
    fixes: list[tuple[str, str]]
    intents: list[str]
    corrected: list[tuple[str, str]] = []
    env: dict[str, str] = {}
    started: str = ""
    client: str = ""
    edited: list[str] = []


class Cut(Record, frozen=True, kw_only=True):
    """The episodes of one session."""

    head: Head
    episodes: list[Episode]


class _Packed(Record, frozen=True, kw_only=True, array_like=True):
    head: Head
    body: bytes
    uses: dict[str, bool] = {}


_encode = msgspec.msgpack.Encoder().encode
_heads = msgspec.msgpack.Decoder(_Packed)
_episodes = msgspec.msgpack.Decoder(list[Episode])
_compress = zstd.compressor(1)


def unit_name(kind: UnitKind, key: str) -> str:
    """The name of a unit: its kind and what it is about."""
    return f"{kind}:{key}"


def cut_session(trajectory: Trajectory) -> Cut:
    """The episodes of a session with the units that they belong to."""
    known = meta(trajectory)
    episodes = cut(trajectory)
    parts: set[tuple[str, str]] = set()
    fixes: set[tuple[str, str]] = set()
    corrected: set[tuple[str, str]] = set()
    intents: dict[str, None] = {}
    for episode in episodes:
        if episode.kind == "procedure":
            if episode.intent:
                intents[episode.intent] = None
            parts.update((unit_name("calls", m.key), "") for m in episode.actions if m.ok is not None)
        elif episode.kind == "correction":
            parts.add((unit_name("topic", episode.topic), ""))
            failed = [episode.failed] if episode.failed is not None else []
            corrected.update((episode.topic, move.key) for move in [*failed, *episode.actions[:1]])
        elif episode.failed is not None:
            parts.add((unit_name("failure", episode.failed.key), episode.failed.error[:PART_CUT]))
            fixes.update((episode.failed.key, move.key) for move in episode.actions[-1:])
    key = known.key or trajectory.session_id or trajectory.trajectory_id or ""
    started = next((s.timestamp for s in trajectory.steps if s.timestamp), "")
    return Cut(
        head=Head(
            mark=f"{key}\0{known.user}",
            key=key,
            user=known.user,
            project=known.project,
            day=started[:10],
            outcome=known.outcome,
            revision=known.revision,
            episodes=len(episodes),
            parts=[Part(unit=unit, part=part) for unit, part in sorted(parts)],
            fixes=sorted(fixes),
            intents=list(intents),
            corrected=sorted(corrected),
            env=known.env,
            started=started,
            client=known.client,
            edited=sorted(use.name for use in known.skills if use.edited),
        ),
        episodes=episodes,
    )


def pack(made: Cut) -> bytes:
    """A cut as bytes, whose head can be read without the rest."""
    body = _compress(_encode(made.episodes))
    return _encode(_Packed(head=made.head, body=body, uses=skill_uses(made.episodes)))


def unpack_head(data: bytes) -> tuple[Head, bytes, dict[str, bool]]:
    """The head of a packed cut, its episodes still packed, and what `skill_uses` says of them."""
    packed = _heads.decode(data)
    return packed.head, packed.body, packed.uses


def skill_uses(episodes: Sequence[Episode]) -> dict[str, bool]:
    """The skills that were before the agent in a session, by name: whether it read or invoked them."""
    found = {skill_name(mark): False for e in episodes for mark in e.offered}
    return {**found, **{skill_name(mark): True for e in episodes for mark in e.skills}}


def skill_name(mark: str) -> str:
    """The name in `name@version`, or in a name alone; an `@` at its beginning belongs to the name."""
    return mark.rsplit("@", 1)[0] if "@" in mark[1:] else mark


def unpack(body: bytes) -> list[Episode]:
    """The episodes that `unpack_head` left packed."""
    return _episodes.decode(zstd.decompress(body))


def cut_bodies(bodies: Sequence[bytes]) -> list[bytes]:
    """Packed cuts of sessions as the session store keeps them (zstd of ATIF JSON); a task for an executor."""
    return [pack(cut_session(decode(zstd.decompress(body)))) for body in bodies]


def rank(mark: str) -> int:
    """A number that has nothing to do with what the session is about: the lowest ranks are a fair sample, the
    same whatever the order in which sessions came (bottom-k sampling)."""
    return int.from_bytes(hashlib.blake2b(mark.encode(), digest_size=7).digest(), "big")
