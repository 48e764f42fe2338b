"""Skills that agents on this machine wrote by themselves: found, told apart, never touched.

An adapter names the folders (`learned`); what SkillClaw installed is none of theirs, by its place and by its
content. A candidate is known by the content that would be shared, so that copies of other agents and machines
are the same one. Only the files are read; nothing is written, and nothing leaves this machine by looking.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skillclaw.agents import Env, adapters
from skillclaw.errors import SkillClawError
from skillclaw.server.skills.uses import Uses, uses_of
from skillclaw.server.skills.worth import Worth, worth_of
from skillclaw.skills.records import HOST, Proposal, record_in
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub.records import HubState, ProposalState
    from skillclaw.library.learned import Broken, Learned
    from skillclaw.server.machine import Machine
    from skillclaw.skills.records import Bundle

__all__ = ["OFFERED", "Candidate", "Desk", "candidate_rows", "count_candidates"]

OFFERED = "offered:"
"""How the mark in the session store begins that says which content this machine offered."""

MOST = 2000
"""Folders of one agent that are looked at."""

log = logging.getLogger("skillclaw.candidates")
Progress = Callable[[int, int | None, str], None]


class Candidate(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One skill in `skills candidates --json`.

    content    the version that would be shared; empty for what cannot be read
    state      new; changed: an earlier text of it was offered (`proposal`); offered: this text was; broken
    uses       by the sessions of this machine
    copies     other agents on this machine that have the same content
    elsewhere  the content was brought into the hub by another machine
    proposal   id of the proposal that is meant by `state`, and its status
    worth      whether it is worth offering, as far as it can be told here; None for what cannot be read
    """

    name: str
    agent: str
    folder: str
    content: str = ""
    state: Literal["new", "changed", "offered", "broken"]
    reason: str = ""
    files: int = 0
    bytes: int = 0
    uses: Uses = Uses()
    copies: list[str] = []
    elsewhere: bool = False
    proposal: str | None = None
    status: str | None = None
    worth: Worth | None = None

    def state_text(self) -> str:
        """For a table cell."""
        if self.state == "broken":
            return f"broken: {self.reason}"
        told = [
            f"in the hub from another machine: {self.status}" if self.elsewhere else f"offered: {self.status}"
        ]
        if self.state != "offered":
            told = [
                f"changed since it was offered ({self.status})" if self.state == "changed" else "not offered"
            ]
        if self.copies:
            told.append(f"{' and '.join(self.copies)} has it too")
        return "; ".join(told)


class Desk:
    """The candidates of one machine beside what its hub knows. Reads when asked; writes nothing."""

    def __init__(self, machine: Machine, env: Env) -> None:
        self.machine = machine
        self.env = env

    @cached_property
    def state(self) -> HubState | None:
        """What the hub's log says; None where there is no hub yet."""
        return self.machine.hub.state() if self.machine.has_hub else None

    @cached_property
    def found(self) -> list[Learned | Broken]:
        """What the agents say they wrote, less what SkillClaw itself put there, by agent and place."""
        from skillclaw.library import book
        from skillclaw.library.learned import Learned, read_learned
        from skillclaw.skills.bundle import SKILL_BYTES, SKILL_FILES

        installed: set[str] | None = None
        kept: list[Learned | Broken] = []
        for agent, folder in self._folders():
            if isinstance(folder, str):
                kept.append(_unasked(agent, folder))
                continue
            if installed is None:
                entries = book.load(self.machine.home).installed
                installed = {_real(Path(entry.target) / entry.skill) for entry in entries}
            if _real(folder) in installed:
                continue
            one = read_learned(agent, folder, most_files=SKILL_FILES, most_bytes=SKILL_BYTES)
            if not isinstance(one, Learned) or not self._ours(one):
                kept.append(one)
        return kept

    def offered(self, content: str) -> ProposalState | None:
        """The proposal that brought this content into the hub, whichever agent or machine it came from."""
        return self._proposals.get(content)

    def earlier(self, one: Learned) -> ProposalState | None:
        """The last proposal of another text that the same agent wrote under the same name."""
        known = [p for p in self._proposals.values() if p.skill == one.name and p.version != one.content]
        known = [p for p in known if self.record(p).engine == HOST + one.agent]
        return max(known, key=lambda p: p.seq, default=None)

    def record(self, proposal: ProposalState) -> Proposal:
        """The proposal itself, its hash checked."""
        data = self.machine.hub.get_object(proposal.object)
        return record_in(data, Proposal)

    def from_here(self, content: str) -> bool:
        """Whether this machine offered it."""
        if not (self.machine.home / "sessions.db").exists():
            return False
        return self.machine.sessions.get_mark(OFFERED + content) is not None

    @cached_property
    def current(self) -> dict[str, Bundle]:
        """The skills that the hub makes available now."""
        from skillclaw.evolve.current import current_skills, ignored

        if self.state is None:
            return {}
        return {
            name: skill.bundle
            for name, skill in current_skills(self.machine.hub, self.state, ignored).items()
        }

    @cached_property
    def _proposals(self) -> dict[str, ProposalState]:
        """By content; of several with one content the first, by which the others were known."""
        found: dict[str, ProposalState] = {}
        for proposal in sorted(self.state.proposals.values() if self.state else [], key=lambda p: p.seq):
            if proposal.version is not None:
                found.setdefault(proposal.version, proposal)
        return found

    @cached_property
    def _released(self) -> set[str]:
        skills = self.state.skills.values() if self.state else []
        return {release.version for skill in skills for release in skill.releases}

    def _ours(self, one: Learned) -> bool:
        """Whether SkillClaw released its content; what agents wrote and people let through is not ours."""
        from skillclaw.skills.bundle import version

        for content in {one.content, version(one.original)} & self._released:
            proposal = self.offered(content)
            if proposal is None or not self.record(proposal).engine.startswith(HOST):
                return True
        return False

    def _folders(self) -> Iterator[tuple[str, Path | str]]:
        """Each agent's folders, each once; a text instead where the agent could not be asked."""
        for agent, adapter in sorted(adapters().items()):
            try:
                given = {
                    _place(self.env.cwd / folder): self.env.cwd / folder
                    for folder in adapter.learned(self.env)
                }
            except SkillClawError as error:
                yield agent, f"{error.what} {error.why}".strip()
            except Exception as error:  # an adapter may be somebody else's code
                log.warning("%s cannot say what it learned: %s: %s", agent, type(error).__name__, error)
                yield agent, f"It cannot be asked ({type(error).__name__}: {error})."
            else:
                for place in sorted(given)[:MOST]:
                    yield agent, given[place]


def candidate_rows(
    machine: Machine, env: Env, progress: Progress = lambda done, total, what: None
) -> list[Candidate]:
    """Every candidate with what is known of it, by agent and name; what is broken stands last."""
    from skillclaw.library.learned import Broken, Learned

    desk = Desk(machine, env)
    skills = [one for one in desk.found if isinstance(one, Learned)]
    rows = [
        describe(desk, one, skills, uses)
        for one, (uses, _) in zip(skills, uses_of(machine, skills, progress), strict=True)
    ]
    rows.sort(key=lambda row: (row.agent, row.name, row.folder))
    rows += [
        Candidate(name=one.name, agent=one.agent, folder=one.folder, state="broken", reason=one.reason)
        for one in desk.found
        if isinstance(one, Broken)
    ]
    return rows


def describe(desk: Desk, one: Learned, skills: list[Learned], uses: Uses) -> Candidate:
    """The row of one candidate."""
    from skillclaw.skills.bundle import version

    offered = desk.offered(one.content)
    meant = offered or desk.earlier(one)
    return Candidate(
        name=one.name,
        agent=one.agent,
        folder=one.folder,
        content=one.content,
        state="offered" if offered else "changed" if meant else "new",
        files=len(one.bundle.files),
        bytes=sum(len(file.data) for file in one.bundle.files),
        uses=uses,
        copies=sorted({o.agent for o in skills if o.content == one.content} - {one.agent}),
        elsewhere=offered is not None and not desk.from_here(one.content),
        proposal=meant.id if meant else None,
        status=meant.status if meant else None,
        # What was released from the very text is no other skill that says the same.
        worth=worth_of(
            one.bundle, uses, {n: b for n, b in desk.current.items() if version(b) != one.content}
        ),
    )


def count_candidates(machine: Machine, env: Env) -> int:
    """How many different skills could be offered and were not; 0 where that cannot be told."""
    from skillclaw.library.learned import Learned

    desk = Desk(machine, env)
    try:
        return len(
            {one.content for one in desk.found if isinstance(one, Learned) and not desk.offered(one.content)}
        )
    except SkillClawError as error:
        log.warning("candidates cannot be counted: %s", error.what)
        return 0


def _unasked(agent: str, reason: str) -> Broken:
    from skillclaw.library.learned import Broken, plain_path

    return Broken(agent=agent, folder="", reason=plain_path(" ".join(reason.split())))


def _place(folder: Path) -> str:
    """The same text for paths to one folder; a link is a place of its own."""
    return str(Path(_real(folder.parent)) / folder.name)


def _real(folder: Path) -> str:
    return os.path.normcase(os.path.realpath(folder))
