"""How often agents used the skills that they wrote by themselves, in the sessions of this machine.

A list of skills shows names only, so that a skill was offered is known by its name, in sessions of its own
agent. Read is what was seen: the very text, with or without its head, in a session of any agent. A session
that saw another text under the name used another version and counts for nothing but that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from skillclaw import zstd
from skillclaw.errors import UNREADABLE, BadInputError
from skillclaw.skills.frontmatter import split
from skillclaw.skills.records import Ref
from skillclaw.trajectory.model import Record, SessionMeta, Trajectory, meta
from skillclaw.trajectory.skilluse import bodies, body_digest, plain_name

if TYPE_CHECKING:
    from skillclaw.library.learned import Learned
    from skillclaw.server.machine import Machine

__all__ = ["UseCount", "Uses", "uses_of"]

Progress = Callable[[int, int | None, str], None]


class UseCount(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Sessions, and how they ended."""

    sessions: int = 0
    success: int = 0
    failure: int = 0
    unknown: int = 0

    def and_one(self, outcome: str) -> UseCount:
        """With one session more."""
        more = {"sessions": self.sessions + 1, outcome: getattr(self, outcome) + 1}
        return msgspec.structs.replace(self, **more)

    def text(self, what: str = "") -> str:
        """For people: `4 (3 success, 1 unknown)`; with `what` behind the number."""
        ends = [(getattr(self, name), name) for name in ("success", "failure", "unknown")]
        told = ", ".join(f"{count} {name}" for count, name in ends if count)
        return f"{self.sessions}{what} ({told})" if told else f"0{what}"


class Uses(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What the sessions of this machine did with one skill.

    users       how many people read or invoked it
    other_text  sessions of its agent that saw another text under its name
    """

    offered: UseCount = UseCount()
    read: UseCount = UseCount()
    invoked: UseCount = UseCount()
    users: int = 0
    other_text: int = 0

    def text(self) -> str:
        """For people, on one line."""
        counts = (("offered", self.offered), ("read", self.read), ("invoked", self.invoked))
        told = ", ".join(f"{done} in {count.text(' sessions')}" for done, count in counts if count.sessions)
        told = told or "no session knows it"
        return told + (f"; another text of it in {self.other_text} sessions" if self.other_text else "")


class _Agent(Record, frozen=True, kw_only=True):
    name: str


class _Extra(Record, frozen=True, kw_only=True):
    skillclaw: SessionMeta = SessionMeta()


class _Short(Record, frozen=True, kw_only=True):
    """What tells whether a session is worth reading whole."""

    agent: _Agent
    extra: _Extra | None = None


_short = msgspec.json.Decoder(_Short)


def uses_of(
    machine: Machine, skills: Sequence[Learned], progress: Progress = lambda done, total, what: None
) -> list[tuple[Uses, list[Ref]]]:
    """For each of `skills`: its uses, and references to the sessions that read or invoked it.

    Raises StorageError where the sessions cannot be read.
    """
    found = [_Tally(skill) for skill in skills]
    if skills and (machine.home / "sessions.db").exists():
        for tally in found:
            tally.learn(machine)
        for trajectory in _sessions(machine, {name for tally in found for name in tally.names}, progress):
            texts = {body_digest(text): name for name, text in _texts(trajectory)}
            for tally in found:
                tally.count(trajectory, texts)
    return [tally.result() for tally in found]


def _sessions(machine: Machine, names: set[str], progress: Progress) -> Iterator[Trajectory]:
    """The sessions that tell of a skill of one of these names."""
    store = machine.sessions
    forgotten = set(machine.hub.state().tombstones) if machine.has_hub else set()
    keys = sorted(store.changes().keys() - forgotten)
    for done, (key, _, packed) in enumerate(store.bodies(keys)):
        if done % 100 == 0:
            progress(done, len(keys), "looking into sessions")
        try:
            short = _short.decode(zstd.decompress(packed))
            known = short.extra.skillclaw if short.extra else SessionMeta()
            if any(_plain(use.name) in names for use in known.skills):
                yield store.get(key)
        except (zstd.Damaged, *UNREADABLE):
            store.get(key)  # says what is wrong with it
        except BadInputError:
            continue  # forgotten this moment


class _Tally:
    """The uses of one skill."""

    def __init__(self, skill: Learned) -> None:
        self.skill = skill
        self.names = {_plain(name) for name in (skill.name, skill.original.name, _head_name(skill)) if name}
        self.uses = Uses()
        self.refs: list[Ref] = []
        self._digests: set[str] = set()

    def learn(self, machine: Machine) -> None:
        """How its text looks in stored sessions, which are redacted."""
        whole = _main(self.skill)
        body = split(whole)[1]
        texts = [whole, body, machine.redactor.text(whole)[0], machine.redactor.text(body)[0]]
        self._digests = {body_digest(text) for text in texts if text.strip()}

    def count(self, trajectory: Trajectory, texts: Mapping[str, str]) -> None:
        """Take in one session; `texts`: digests of the skill texts that it saw, with their names."""
        known = meta(trajectory)
        uses = [use for use in known.skills if _plain(use.name) in self.names]
        read = not self._digests.isdisjoint(texts)
        own = trajectory.agent.name == self.skill.agent
        if not read and any(_plain(name) in self.names for name in texts.values()):
            if own and all(use.version is None for use in uses):
                self.uses = msgspec.structs.replace(self.uses, other_text=self.uses.other_text + 1)
            return
        # By name alone only in its own agent, and not where a released skill of the name was before it.
        uses = uses if read or (own and all(use.version is None for use in uses)) else []
        invoked = any(use.invoked_step is not None for use in uses)
        for kind, so in (("offered", any(use.offered for use in uses)), ("read", read), ("invoked", invoked)):
            if so:
                more = {kind: getattr(self.uses, kind).and_one(known.outcome)}
                self.uses = msgspec.structs.replace(self.uses, **more)
        if read or invoked:
            steps = sorted({s for use in uses for s in (use.read_step, use.invoked_step) if s is not None})
            self.refs.append(_ref(trajectory, known, steps))

    def result(self) -> tuple[Uses, list[Ref]]:
        """What was counted."""
        users = len({ref.user for ref in self.refs})
        return msgspec.structs.replace(self.uses, users=users), self.refs


def _ref(trajectory: Trajectory, known: SessionMeta, steps: list[int]) -> Ref:
    return Ref(
        session=known.key,
        user=known.user,
        agent=trajectory.agent.name,
        day=next((step.timestamp[:10] for step in trajectory.steps if step.timestamp), ""),
        steps=steps,
        success={"success": True, "failure": False}.get(known.outcome),
    )


def _texts(trajectory: Trajectory) -> Iterator[tuple[str, str]]:
    for name, _, text in bodies(trajectory):
        yield name, text
    for sub in trajectory.subagent_trajectories or []:
        yield from _texts(sub)


def _main(skill: Learned) -> str:
    data = next(file.data for file in skill.original.files if file.path == "SKILL.md")
    return data.decode("utf-8", "replace")


def _head_name(skill: Learned) -> str:
    """The name that the agent itself goes by."""
    found = re.search(
        r"^name:[ \t]*([\"']?)([^\"'\n]{1,128}?)\1[ \t]*\r?$", split(_main(skill))[0], re.MULTILINE
    )
    return found[2] if found else ""


def _plain(name: str) -> str:
    """The name by which a skill is found, whatever an agent puts before it."""
    return plain_name(name).casefold()
