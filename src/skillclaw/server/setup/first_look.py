"""What the sessions on this machine already say: `skillclaw learned`, and the end of the first `up`.

Made of what the last cycle found and keeps, so that looking is cheap and asks nobody anything. A heading
under which there is nothing is not there, and what was looked for in vain is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from skillclaw.evolve.last import LastCycle, last_cycle, recent_episodes, taken_back
from skillclaw.evolve.repeats import Failing, Ordered, failing, sequences
from skillclaw.evolve.view import LeftOut
from skillclaw.library import book
from skillclaw.server.machine import PERSONAL
from skillclaw.server.skills.idle import OwnSkills, own_skills
from skillclaw.settings import user_home
from skillclaw.skills.records import ActionShape, Pattern
from skillclaw.trajectory.model import Record
from skillclaw.trajectory.shapes import command_key
from skillclaw.trajectory.text import one_line

if TYPE_CHECKING:
    from skillclaw.agents import Env
    from skillclaw.hub import HubState
    from skillclaw.server.machine import Machine

__all__ = ["DAYS", "FirstLook", "Lesson", "Offer", "first_look", "shown_path"]

DAYS = 30
"""Days that are looked back at."""
EPISODES = 1000
"""The newest sessions in which commands and failures that come back are counted."""
SHOWN = 5
"""Lines under one heading."""
FEW = 3
"""Lines on what was left out."""
LONG = 400
"""Characters of such a line."""
WIDE = 100
"""Characters of a line that quotes a session."""


class Lesson(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A pattern for people; `sessions` show it, and in `against` others it went otherwise."""

    pattern: str
    text: str
    sessions: int
    agents: list[str]
    against: int = 0


class Offer(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A skill that was made of it, or is proposed. `status`: `released`, with its `stage` and the skills
    `folders` in which it is installed; `withdrawn`: released once, and not there any more; else that of its
    newest proposal, with the `reasons` of the gate."""

    skill: str
    status: str
    stage: str = ""
    folders: list[str] = []
    reasons: list[str] = []


class FirstLook(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`skillclaw learned --json`.

    cycle      the last cycle on this machine; empty: none ran, and only skills could be looked at
    next_cycle when the next is due, UTC; empty where no `up` runs
    sessions   those that its patterns were mined from; agents: stored sessions of each, by title
    asked      calls of a language model that the cycle made
    fixes      failures, each with what made it work; failures: those with nothing seen that does
    pitfalls   ways of calling that fail where others work; corrections: what the user said against
    ways       how a kind of request goes well; sequences: commands that ran in one order, of which nothing
               more is known
    skills     those that SkillClaw did not install
    proposals  the skills of this machine's own hub, and what is proposed there
    supported  patterns that enough sessions show for a skill
    left_out   what is shown so, or in dispute, and stands in no skill, with why
    """

    days: int = DAYS
    cycle: str = ""
    next_cycle: str = ""
    sessions: int = 0
    agents: dict[str, int] = {}
    asked: int = 0
    fixes: list[Lesson] = []
    failures: list[Failing] = []
    pitfalls: list[Lesson] = []
    corrections: list[Lesson] = []
    ways: list[Lesson] = []
    sequences: list[Ordered] = []
    skills: OwnSkills = OwnSkills()
    proposals: list[Offer] = []
    supported: int = 0
    left_out: list[LeftOut] = []

    def text(self) -> str:
        """For people."""
        if not self.agents:
            return (
                "No session is stored yet, so nothing is learned. It learns as you work; older sessions come "
                "in by: skillclaw import"
            )
        of = ", ".join(f"{count} of {agent}" for agent, count in self.agents.items())
        stored = sum(self.agents.values())
        if not self.cycle:
            when = f"that is due at {self.next_cycle}, at once: " if self.next_cycle else ""
            return f"{stored} sessions are stored ({of}); none was learned from yet: {when}skillclaw evolve"
        by = "no key, no model" if not self.asked else f"a model was asked {self.asked} times"
        # Those that came since the cycle, or that it left out, are stored but did not say anything yet.
        of = of if stored == self.sessions else f"stored: {stored}, {of}"
        lines = [f"What {self.sessions} sessions already say ({of}; {by}):"]
        heard: list[tuple[str, str, list[str]]] = [
            (
                "failures and what worked",
                "Failed again and again, and what made it work",
                _lessons(self.fixes),
            ),
            (
                "failures without an end",
                "Failed again and again; nothing was seen that makes it work",
                [
                    f"{_times(one.sessions)}{_code(one.command)}: {one_line(one.error, WIDE)}"
                    for one in self.failures
                ],
            ),
            ("ways that fail", "Fails one way, works another", _lessons(self.pitfalls)),
            ("corrections", "You said so more than once", _lessons(self.corrections)),
            ("ways that work", "How it went well", _lessons(self.ways)),
            (
                "command sequences",
                "Commands run in the same order",
                [
                    f"{_times(one.sessions)}{', then '.join(map(_code, one.commands))}"
                    for one in self.sequences
                ],
            ),
            ("unused skills", "Skills that nobody opened", self._idle()),
        ]
        for _, title, rows in heard:
            if rows:
                lines += ["", title, *(f"  {row}" for row in rows)]
        if len(heard) > (found := sum(bool(rows) for *_, rows in heard)):
            missing = ", ".join(name for name, _, rows in heard if not rows)
            seen = "Nothing came back in three sessions or more" if not found else "Not found"
            lines += ["", f"{seen}: {missing}."]
        lines += ["", *self._proposals()]
        return "\n".join(lines)

    def next_steps(self) -> list[str]:
        """What to do now, a command each with what it is for."""
        released = [one.skill for one in self.proposals if one.stage]
        waiting = [one for one in self.proposals if one.status in ("open", "passed", "held")]
        steps = []
        if released:
            steps.append(f"skillclaw skills evidence {released[0]}   the sessions behind each line")
        if waiting:
            steps.append("skillclaw proposals list   what waits, and for what")
        steps.append("skillclaw learned   all of this again, as it grows")
        return steps

    def _idle(self) -> list[str]:
        idle = self.skills.idle
        rows = [
            f"{one.name}: about {one.listed} tokens of each session, {one.whole} more when opened; "
            f"not opened in {one.sessions} sessions ({shown_path(one.folder)})"
            for one in idle[:SHOWN]
        ]
        if len(idle) > SHOWN:
            rows.append(f"and {len(idle) - SHOWN} more (--json lists all)")
        if len(idle) > 1:
            rows.append(f"Together about {sum(one.listed for one in idle)} tokens of each session.")
        return rows

    def _proposals(self) -> list[str]:
        left = [f"  {one_line(one.told, LONG)}" for one in self.left_out[:FEW]]
        if len(self.left_out) > FEW:
            left.append(f"  and {len(self.left_out) - FEW} more left out (--json lists all)")
        if not self.proposals:
            known = self.supported or left
            why = "" if known else " A skill needs the same lesson in several sessions."
            return [f"Proposed: nothing.{why}", *left]
        rows = []
        for one in self.proposals[: 2 * SHOWN]:
            state = f"released ({one.stage})" if one.stage else one.status
            more = [f"installed into {' and '.join(map(shown_path, one.folders))}"] if one.folders else []
            rows.append(f"  {'; '.join([f'{one.skill}: {state}', *more, *one.reasons[:1]])}")
        if len(self.proposals) > 2 * SHOWN:
            rows.append(f"  and {len(self.proposals) - 2 * SHOWN} more (--json lists all)")
        return ["Proposed", *rows, *left]


def first_look(machine: Machine, env: Env, now: datetime | None = None) -> FirstLook:
    """What is known now. Reads only; raises StorageError where the sessions cannot be read."""
    from skillclaw.agents import adapters
    from skillclaw.server.up import runfile

    if not (machine.home / "sessions.db").exists():
        return FirstLook()
    known = adapters()
    counts = Counter(row.agent for row in machine.sessions.rows(native=False))
    agents = {
        known[name].title if name in known else name: count
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    }
    skills = own_skills(machine, env)
    running = runfile.read_running(machine.home)
    due = running.next_cycle if running else ""
    last = last_cycle(machine.home)
    state = machine.hub.state() if machine.has_hub else None
    if last is None or state is None or taken_back(state) > last.taken:
        return FirstLook(agents=agents, skills=skills, next_cycle=due)
    made = _made(machine, last, agents, skills, now or datetime.now(UTC))
    return msgspec.structs.replace(made, proposals=_offers(machine, state), next_cycle=due)


def _made(
    machine: Machine, last: LastCycle, agents: dict[str, int], skills: OwnSkills, now: datetime
) -> FirstLook:
    view = last.view
    recent = (now - timedelta(days=DAYS)).strftime("%Y-%m-%d")
    cuts = recent_episodes(machine.home, recent, EPISODES)
    mended = {
        command_key(pattern.failed.example)
        for pattern in view.patterns
        if pattern.kind == "recovery" and pattern.failed is not None
    }
    return FirstLook(
        cycle=view.cycle,
        sessions=view.sessions,
        agents=agents,
        asked=view.model_calls,
        fixes=_of(view.patterns, "recovery"),
        failures=failing(cuts, mended),
        pitfalls=_of(view.patterns, "pitfall"),
        corrections=_of(view.patterns, "correction"),
        ways=_of(view.patterns, "procedure"),
        sequences=sequences(cuts),
        skills=skills,
        supported=view.supported,
        left_out=view.left_out,
    )


def _offers(machine: Machine, state: HubState) -> list[Offer]:
    """The skills that are there, those installed first, then the others' newest proposals."""
    folders: dict[str, list[str]] = {}
    for entry in book.load(machine.home).installed:
        if entry.hub == PERSONAL:
            folders.setdefault(entry.skill, []).append(entry.target)
    current = {name: skill for name, skill in sorted(state.skills.items()) if skill.current}
    found = [
        Offer(skill=name, status="released", stage=skill.stage, folders=folders.get(name, []))
        for name, skill in current.items()
    ]
    newest = {one.skill: one for one in sorted(state.proposals.values(), key=lambda one: one.seq)}
    found += [
        # What was released and is not there was taken away since.
        Offer(skill=name, status="withdrawn")
        if one.status == "released"
        else Offer(
            skill=name,
            status=one.status,
            reasons=[v.reason for v in one.verdicts if v.verdict in ("hold", "reject")],
        )
        for name, one in sorted(newest.items())
        if name not in current
    ]
    return sorted(found, key=lambda one: not one.folders)


def _of(
    patterns: Sequence[Pattern], kind: Literal["recovery", "correction", "procedure", "pitfall"]
) -> list[Lesson]:
    """The patterns of a kind, those of most sessions first."""
    found = sorted((p for p in patterns if p.kind == kind), key=lambda p: (-p.sessions, p.id))
    return [
        Lesson(
            pattern=pattern.id,
            text=_told(pattern),
            sessions=pattern.sessions,
            agents=pattern.agents,
            against=len({ref.session for ref in pattern.contradictions}),
        )
        for pattern in found
    ]


def _told(pattern: Pattern) -> str:
    if pattern.kind == "correction" and pattern.user_text:
        return f'"{one_line(pattern.user_text[0], WIDE)}"'
    if pattern.kind == "procedure" and pattern.actions:
        return f"{one_line(pattern.title, WIDE)}: {', then '.join(map(_step, pattern.actions))}"
    return one_line(pattern.title, WIDE)


def _step(action: ActionShape) -> str:
    return _code(action.command or action.tool)


def _code(command: str) -> str:
    return f"`{one_line(command, WIDE)}`"


def shown_path(path: str) -> str:
    """A path for people, with `~` for the user's home."""
    home = user_home()
    return f"~/{Path(path).relative_to(home)}" if Path(path).is_relative_to(home) else path


def _times(sessions: int) -> str:
    return f"{sessions} sessions: "


def _lessons(lessons: Sequence[Lesson]) -> list[str]:
    rows = [
        f"{_times(one.sessions)}{one.text}{f' (otherwise in {one.against})' if one.against else ''}"
        for one in lessons[:SHOWN]
    ]
    return [*rows, f"and {len(lessons) - SHOWN} more"] if len(lessons) > SHOWN else rows
