"""A skill that an agent wrote by itself, put into the hub as a proposal when its user says so.

What would be shared is shown first, and what is shared is what was shown: the folder is read once. A proposal
is known by its content alone, so that two machines that offer the same skill make one. The gate judges it as
any other; it always waits for people, since no line of it has evidence of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from skillclaw.errors import BadInputError, UsageError
from skillclaw.library.learned import Broken, Learned, plain_path
from skillclaw.server.skills.candidates import OFFERED, Desk
from skillclaw.server.skills.uses import Uses, uses_of
from skillclaw.skills.diff import unified
from skillclaw.skills.frontmatter import split
from skillclaw.skills.records import HOST, Bundle, Proposal, Ref, Sidecar, Verdict, content_id
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.agents import Env
    from skillclaw.evolve.evolvers import Current
    from skillclaw.gate import Masker
    from skillclaw.hub import ProposalState
    from skillclaw.server.machine import Machine

__all__ = ["Offer", "OfferedFile", "Offering", "Private", "prepare", "private_places", "put"]

Progress = Callable[[int, int | None, str], None]


class OfferedFile(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One file that would be shared; `bytes` is its size."""

    path: str
    bytes: int
    executable: bool


class Private(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A place that must not be shared: the `kind` of what stands there, never the value.

    `line` counts from 1; 0 where it concerns the file itself.
    """

    path: str
    line: int
    kind: str

    def text(self) -> str:
        """For people: `SKILL.md line 7: secret:openai-key`."""
        return f"{self.path} line {self.line}: {self.kind}" if self.line else f"{self.path}: {self.kind}"


class Offer(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`skills offer --json`: what would be shared of a candidate, and what became of it.

    diff      what was changed for other agents to read it: a unified diff, secrets masked; empty for nothing
    private   secrets and personal data in it
    refused   why it is not offered; empty where it can be
    verdicts  what the gate says of it; it is not asked of what is private
    proposal  id of the proposal in the hub, where there is one, and its status
    offered   whether this call put it there
    """

    name: str
    agent: str
    folder: str
    content: str
    files: list[OfferedFile]
    diff: str
    uses: Uses
    private: list[Private] = []
    refused: list[str] = []
    verdicts: list[Verdict] = []
    proposal: str | None = None
    status: str | None = None
    offered: bool = False


@dataclass(frozen=True)
class Offering:
    """An offer with the proposal that it would make; `proposal` is None where nothing is to be put."""

    offer: Offer
    proposal: Proposal | None = None


def prepare(
    machine: Machine,
    env: Env,
    name: str,
    *,
    agent: str | None = None,
    content: str | None = None,
    progress: Progress = lambda done, total, what: None,
) -> Offering:
    """Look at a candidate as it would be shared. Nothing is written or shared.

    `name` is its name or its folder. With `content` (how it begins) it must be unchanged since. Raises
    BadInputError where there is no such candidate, where it is broken or changed; UsageError where several
    have the name.
    """
    desk = Desk(machine, env)
    one = _choose(desk, name, agent)
    if content is not None and not (content and one.content.startswith(content)):
        raise BadInputError(
            f"{one.name} changed since you looked at it.",
            f"It was {content[:12]}, and is {one.content[:12]} now.",
            f"Look at it again: skillclaw skills offer {one.name}",
        )
    ((uses, refs),) = uses_of(machine, [one], progress)
    known = desk.offered(one.content)
    mask = machine.redactor
    offer = Offer(
        name=one.name,
        agent=one.agent,
        folder=one.folder,
        content=one.content,
        files=[
            OfferedFile(path=mask.text(file.path)[0], bytes=len(file.data), executable=file.executable)
            for file in one.bundle.files
        ],
        diff=mask.text(unified(one.original, one.bundle))[0],
        uses=uses,
        private=[_in_original(place, one, mask) for place in private_places(one.bundle, mask)],
        proposal=known.id if known else None,
        status=known.status if known else None,
        verdicts=known.verdicts if known else [],
    )
    if known is not None and known.status != "open":
        return Offering(replace(offer, refused=_turned_down(known)))
    if offer.private:
        return Offering(replace(offer, refused=[place.text() for place in offer.private]))
    current = _current(desk)
    proposal = _proposal(one, current, uses, refs)
    if known is not None:  # put there, and its writer died before the gate's verdicts were
        proposal = replace(proposal, id=known.id)
    verdicts = _judged(machine, desk, one, proposal, current)
    refused = [f"{verdict.check}: {verdict.reason}" for verdict in verdicts if verdict.verdict == "reject"]
    refused += _rivals(desk, proposal)
    return Offering(replace(offer, verdicts=verdicts, refused=refused), None if refused else proposal)


def put(machine: Machine, offering: Offering) -> Offer:
    """Put the proposal into the hub with the gate's verdicts, and remember that it came from here.

    Raises what the hub raises: UsageError where this machine may not write to it, StorageError, VerifyError.
    """
    proposal, offer = offering.proposal, offering.offer
    if proposal is None:
        return offer
    from skillclaw.gate import decide

    state = machine.hub.propose(proposal)
    if state.status == "open":  # another machine may have been first, and people may have decided meanwhile
        state = machine.hub.record_verdicts(proposal.id, offer.verdicts, decide(offer.verdicts))
    machine.sessions.set_mark(OFFERED + offer.content, proposal.id)
    return replace(offer, proposal=state.id, status=state.status, verdicts=state.verdicts, offered=True)


def _choose(desk: Desk, name: str, agent: str | None) -> Learned:
    from skillclaw.agents import adapters, no_agent

    if agent is not None and agent not in adapters():
        raise no_agent(agent)
    fitting = [
        one
        for one in desk.found
        if agent in (None, one.agent) and name in (one.name, one.folder, Path(one.folder).name)
    ]
    skills = [one for one in fitting if isinstance(one, Learned)]
    if len({one.content for one in skills}) > 1:
        raise UsageError(
            f"Several skills are named {_short(name)}, and they differ.",
            ", ".join(f"{one.agent}: {one.folder}" for one in skills[:4]),
            "Say which: --agent NAME, or the folder instead of the name.",
        )
    if skills:
        return skills[0]
    broken = next((one for one in fitting if isinstance(one, Broken)), None)
    if broken is not None:
        raise BadInputError(f"{_short(name)} is broken.", broken.reason, f"Look into {broken.folder}")
    names = sorted({one.name for one in desk.found if isinstance(one, Learned)})
    raise BadInputError(
        f"No agent here has written a skill named {_short(name)}.",
        f"Known: {', '.join(names[:10]) or 'none'}. What SkillClaw installed and what you wrote is none.",
        "See: skillclaw skills candidates",
    )


def _short(name: str) -> str:
    return repr(plain_path(name)[:200])


def private_places(bundle: Bundle, masker: Masker) -> Iterator[Private]:
    """Every place that the redaction would mask, and files of which it cannot tell."""
    for file in bundle.files:
        path, named = masker.text(file.path)
        for kind in sorted(named):
            yield Private(path=path, line=0, kind=f"{kind} in its name")
        try:
            text = file.data.decode("utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            yield Private(path=path, line=0, kind="not text, so that nobody can tell what it holds")
            continue
        masked, kinds = masker.text(text)
        if not kinds:
            continue
        lines = text.split("\n")
        told = {
            (number, kind)
            for number, line in enumerate(lines, 1)
            for kind in masker.text(line)[1]
            if kind in kinds
        }
        for kind in kinds.keys() - {kind for _, kind in told}:  # over several lines, such as a private key
            after = masked.split("\n")
            first = next((n for n, (a, b) in enumerate(zip(lines, after, strict=False), 1) if a != b), 0)
            told.add((first, kind))
        for number, kind in sorted(told):
            yield Private(path=path, line=number, kind=kind)


def _in_original(place: Private, one: Learned, masker: Masker) -> Private:
    """The same place in the agent's own file, whose head may be longer."""
    if place.path != "SKILL.md" or not place.line:
        return place
    heads = [
        split(file.data.decode("utf-8"))[0].split("\n")
        for bundle in (one.original, one.bundle)
        for file in bundle.files
        if file.path == "SKILL.md"
    ]
    if place.line >= len(heads[1]):
        return replace(place, line=place.line + len(heads[0]) - len(heads[1]))
    lines = (number for number, line in enumerate(heads[0], 1) if place.kind in masker.text(line)[1])
    return replace(place, line=next(lines, 1))


def _turned_down(known: ProposalState) -> list[str]:
    if known.status != "rejected":
        return []
    reasons = [v.reason for v in known.verdicts if v.verdict == "reject"]
    return [f"It was offered before and rejected (proposal {known.id}): {' '.join(reasons)}"]


def _current(desk: Desk) -> dict[str, Current]:
    from skillclaw.evolve.current import current_skills, ignored

    return current_skills(desk.machine.hub, desk.state, ignored) if desk.state else {}


def _proposal(one: Learned, current: dict[str, Current], uses: Uses, refs: list[Ref]) -> Proposal:
    """The proposal, whose id depends on the content alone: who offers it, and on what evidence, is not in it.

    A skill of the name that came from an agent's own is changed by it; any other keeps its place.
    """
    from skillclaw.skills.items import DESCRIPTION, all_items

    engine = HOST + one.agent
    before = current.get(one.name)
    base = before.version if before is not None and before.sidecar.engine.startswith(HOST) else None
    # The description stands for the whole: sessions tell that the skill was used, not which of its lines.
    described = [
        replace(item, evidence=refs) for item in all_items(one.bundle, None) if item.section == DESCRIPTION
    ]
    return Proposal(
        id=content_id("proposal", base, HOST, one.content),
        action="create" if base is None else "refine",
        skill=one.name,
        base=base,
        engine=engine,
        why=f"The agent {one.agent} wrote this skill by itself. On its machine: {uses.text()}.",
        bundle=one.bundle,
        sidecar=Sidecar(
            skill=one.name,
            version=one.content,
            parents=[base] if base else [],
            engine=engine,
            items=described,
        ),
    )


def _judged(
    machine: Machine, desk: Desk, one: Learned, proposal: Proposal, current: dict[str, Current]
) -> list[Verdict]:
    from skillclaw.server.skills.judging import judged
    from skillclaw.skills.bundle import version

    ours = set(desk.state.skills) if desk.state else set()
    return judged(machine, proposal, current, ours=ours, same={one.content, version(one.original)})


def _rivals(desk: Desk, proposal: Proposal) -> list[str]:
    """Proposals that wait for people and would make the same skill."""
    from skillclaw.gate.checks.duplicate import SAME, overlap

    told = []
    for known in desk.state.proposals.values() if desk.state else []:
        if known.status not in ("held", "passed") or known.id == proposal.id or known.version is None:
            continue
        if known.skill == proposal.skill:
            told.append(f"Proposal {known.id} is about {known.skill} too, and waits: decide on it first.")
            continue
        other = desk.record(known).bundle if known.action == "create" else None
        assert proposal.bundle is not None
        if other is not None and proposal.action == "create" and overlap(proposal.bundle, other) >= SAME:
            told.append(
                f"Proposal {known.id} ({known.skill}) says the same already, and waits: decide on it first."
            )
    return told
