"""What people see before they decide on a proposal: the change, each new line with what it rests on, what is
still needed, and whether they may decide at all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Literal

from skillclaw.errors import LASTING, BadInputError, SkillClawError, UsageError
from skillclaw.gate.stretches import loading, reaching, risking, running, without
from skillclaw.hub import keys
from skillclaw.hub.approval import (
    approvers,
    author,
    ends_archived,
    fresh,
    missing,
    needed,
    outdated,
    overtaken_by,
    policy_of,
    too_late,
    waits_for_people,
)
from skillclaw.hub.proposing import origins
from skillclaw.hub.unapproved import covers, unapproved
from skillclaw.server.review.places import moved_from, told_place
from skillclaw.skills.diff import unified
from skillclaw.skills.items import all_items, same_text
from skillclaw.skills.records import Bundle, Sidecar, record_in
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState, ProposalState, Release
    from skillclaw.server.machine import Machine
    from skillclaw.skills.records import Item, Proposal, Ref, Retired
    from skillclaw.trajectory.model import Trajectory

__all__ = [
    "Approver",
    "Excerpt",
    "Review",
    "ReviewedLine",
    "approver_rows",
    "check_no_source",
    "diff_of",
    "is_source",
    "needs",
    "new_lines",
    "policy_for",
    "review",
    "sessions_of",
    "stage_for",
    "texts_of",
]

FINDERS = (running, loading, risking, reaching)
"""What people have to see."""
DIFF = 200_000
"""Characters of a diff that are shown."""
COMPARED = 1_000_000
LINES = 20_000
"""Bytes and lines of both versions together that are compared: the time grows with their square, and anybody
who is a member can propose."""
EXCERPT = 400
"""Tokens of one cited session that are shown."""
SHOWN = 2
"""Sessions of one line that are shown."""


class Approver(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Who approved, as the log names the key; `counts`: it is one of the approvals that are needed."""

    name: str
    role: str
    key: str
    note: str = ""
    counts: bool = True


class Excerpt(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A session that a line cites; `text` is masked and cut short, null where this machine has none."""

    session: str
    agent: str
    day: str
    success: bool | None
    text: str | None = None


class ReviewedLine(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A line that the version before does not have, with how many stand behind it and some of their words."""

    item: str
    kind: str
    text: str
    sessions: int
    users: int
    shown: list[Excerpt] = []


class Review(Record, frozen=True, kw_only=True, omit_defaults=False):
    """All that a decision needs beside the record. `needs`: what is missing, in a sentence, empty where it is
    decided; `policy`: under which it changes; `source`: whether sessions of this machine's user are among
    what it cites, null where this machine cannot tell; `place`: whom it is for, in a sentence, empty for
    everybody as before."""

    policy: str
    needs: str
    diff: str
    cut: bool
    lines: list[ReviewedLine]
    approvals: list[Approver]
    source: bool | None = None
    place: str = ""


def policy_for(state: HubState, record: Proposal, *, group: bool) -> str:
    """The policy under which the proposal changes what it changes: the strictest of the skills that its lines
    are from."""
    names = (record.skill, *origins(state, record))
    return policy_of(state.settings, *names, default="team" if group else "solo")


def needs(state: HubState, proposal: ProposalState, policy: str, instead: Retired | None = None) -> str:
    """What the proposal still needs, as a sentence; empty where it is decided. `instead` is its record's."""
    if proposal.status in ("rejected", "released"):
        return ""
    changed = outdated(state, proposal, instead)
    if changed and ends_archived(state, proposal) and waits_for_people(state, proposal, policy):
        return f"{proposal.skill} is archived already; who approves this says that it stays so."
    if changed:
        return f"It is outdated: {changed} is another by now, so nobody can release it."
    if proposal.status == "open":
        if state.settings.get("votes") is None:
            return "The gate has not judged it yet."
        return (
            "The gate has not judged it yet; members' machines may have to try it first: skillclaw jobs list"
        )
    if not waits_for_people(state, proposal, policy):
        skill = state.skills.get(proposal.skill)
        if skill is not None and skill.pinned:
            return f"{skill.name} is pinned, so no cycle releases it."
        return "Nobody has to approve it; the next cycle releases it."
    if too_late(state, proposal):
        gone = overtaken_by(state, proposal)
        return (
            f"It was approved before people took a version of {gone} away, which machines do not count any "
            "more: reject it."
        )
    left = missing(state, fresh(state, proposal))
    if not left:
        return "Enough people approved it; who approves it again releases it."
    told = f"It needs {left}{' more' if proposal.approvals else ''} reviewer{'' if left == 1 else 's'}"
    if needed(state.settings) > 1:
        told += "; two different people have to approve it, and its author is none of them"
    return told + "."


def approver_rows(state: HubState, proposal: ProposalState, people: int | None = None) -> list[Approver]:
    """Who approved, in order, with their notes; `people`: how many have to, if not as the settings say."""
    waits = proposal.status in ("held", "passed")
    late = fresh(state, proposal) if waits else proposal
    counted, found = set(approvers(state, late, people)), []
    for public in proposal.approvals:
        key = state.keys.get(public)
        found.append(
            Approver(
                name=key.name if key is not None else "",
                role=key.role if key is not None else "",
                key=public[:16],
                note=proposal.notes.get(public, ""),
                counts=public in late.approvals
                and key is not None
                and not key.revoked
                and key.member in counted,
            )
        )
    return found


def review(
    machine: Machine, hub_name: str, hub: Hub, state: HubState, proposal: ProposalState, record: Proposal
) -> Review:
    """The proposal as who decides sees it."""
    from skillclaw.server.machine import PERSONAL

    group = hub_name != PERSONAL
    policy = policy_for(state, record, group=group)
    diff, cut = diff_of(machine, hub, state, proposal, record)
    new = new_lines(machine, hub, state, record)
    refs = {ref.session: ref for item in new for ref in _some(item)}
    texts = texts_of(machine, hub if group else None, state, list(refs.values()))
    lines = [
        ReviewedLine(
            item=item.id,
            kind=item.kind,
            text=item.text,
            sessions=len({ref.session for ref in item.evidence}),
            users=len({ref.user for ref in item.evidence}),
            shown=[
                Excerpt(
                    session=ref.session,
                    agent=ref.agent,
                    day=ref.day,
                    success=ref.success,
                    text=texts.get(ref.session),
                )
                for ref in _some(item)
            ],
        )
        for item in new
    ]
    return Review(
        policy=policy,
        needs=needs(state, proposal, policy, record.instead),
        diff=diff,
        cut=cut,
        lines=lines,
        approvals=approver_rows(state, proposal),
        source=is_source(machine, state, record) if group else None,
        place=told_place(moved_from(state, proposal, record), record),
    )


def _some(item: Item) -> list[Ref]:
    """A few of an item's sessions, of different people first."""
    by_user: dict[str, Ref] = {}
    for ref in item.evidence:
        by_user.setdefault(ref.user, ref)
    rest = [ref for ref in item.evidence if ref not in by_user.values()]
    return [*by_user.values(), *rest][:SHOWN]


def diff_of(
    machine: Machine, hub: Hub, state: HubState, proposal: ProposalState, record: Proposal
) -> tuple[str, bool]:
    """The change as `diff -u` writes it; and whether it is longer than that, or too large to compare. What
    nobody approved in the version before is new in it: who approves the change approves that, too."""
    base = _base(state, proposal.skill, proposal.base)
    before = Bundle(name=proposal.skill, files=[])
    if base is not None:
        before = machine.hubs.bundle(hub, base)
        if covers(base, record):
            before = without(before, _unapproved(machine, hub, state, base, before))
        else:  # what people approved for a project, they did not for others
            before = without(before, {key for find in FINDERS for key in find(before)})
    after = record.bundle or Bundle(name=proposal.skill, files=[])
    both = [file.data for bundle in (before, after) for file in bundle.files]
    if sum(map(len, both)) > COMPARED or sum(data.count(b"\n") for data in both) > LINES:
        return "", True
    text = unified(before, after)
    return text[:DIFF], len(text) > DIFF


def _unapproved(machine: Machine, hub: Hub, state: HubState, base: Release, bundle: Bundle) -> set[str]:
    """What of it people would have to see under any policy, and nobody approved: the approval holds under a
    stricter one, too, should the group choose it."""

    def fetch(release: Release) -> Bundle:
        return machine.hubs.bundle(hub, release)

    return {
        key
        for find in FINDERS
        for key in unapproved(state, base, bundle, find, fetch, persons=find is not running)
    }


def new_lines(machine: Machine, hub: Hub, state: HubState, record: Proposal) -> list[Item]:
    """The items of the proposal that the version before does not have, as the gate sees them."""
    from skillclaw.gate.lines import proposal_items

    base = _base(state, record.skill, record.base)
    old: set[str] = set()
    if base is not None:
        try:
            sidecar = record_in(machine.hubs.object(hub, base.sidecar), Sidecar) if base.sidecar else None
            old = {same_text(one.text) for one in all_items(machine.hubs.bundle(hub, base), sidecar)}
        except LASTING:
            old = set()  # nothing in it can be told apart: all lines are looked at
    return [item for item in proposal_items(record) if same_text(item.text) not in old]


def _base(state: HubState, skill: str, version: str | None) -> Release | None:
    known = state.skills.get(skill)
    return known.release(version) if known is not None and version is not None else None


def texts_of(machine: Machine, hub: Hub | None, state: HubState, refs: Sequence[Ref]) -> dict[str, str]:
    """The masked text of those cited sessions that this machine has (`sessions_of`), by key."""
    from skillclaw.evolve.dossier.sessions import Chosen, session_text

    known = sessions_of(machine, hub, state, [ref.session for ref in refs])
    if known:
        machine.renew_redactor()
    found = {}
    for ref in refs:
        if ref.session in known:
            chosen = Chosen(key=ref.session, person=0, agent=ref.agent, steps=ref.steps)
            text = session_text(known[ref.session], chosen, EXCERPT)
            found[ref.session], _ = machine.redactor.text(text)
    return found


def sessions_of(
    machine: Machine, hub: Hub | None, state: HubState, wanted: Sequence[str]
) -> dict[str, Trajectory]:
    """Those of the sessions that this machine has, by key; `hub` is a group's, whose sessions its evolver
    has, None: the personal hub, whose sessions are this machine's own. Nothing of what was taken back.
    """
    from skillclaw.journal.store import SessionStore
    from skillclaw.server.groups.collecting import group_folder, not_counted

    folder = machine.home if hub is None else group_folder(machine, hub.info.group)
    if not wanted or not any(folder.glob("*.db")):
        return {}
    found = {}
    with closing(SessionStore(folder)) as sessions:
        gone = set(state.tombstones)
        if hub is not None:
            gone |= not_counted(machine, state, sessions)
        for key in dict.fromkeys(wanted):
            if key in gone:
                continue
            try:
                found[key] = sessions.get(key)
            except BadInputError:
                continue
    return found


def is_source(machine: Machine, state: HubState, record: Proposal) -> bool | None:
    """Whether a group's proposal cites sessions of this machine's user; None where that cannot be told: the
    secret by which people are named in what a group publishes is with its evolvers (docs/gate.md)."""
    from skillclaw.server.groups.collecting import pseudonym

    cited = {ref.user for item in (record.sidecar.items if record.sidecar else []) for ref in item.evidence}
    cited |= {ref.user for ref in record.against}
    if not cited:
        return False
    secret = keys.load(machine.home / "keys", state.group, "pseudonyms")
    if secret is None:
        return None
    return any(pseudonym(state.keys[public], secret.encode()) in cited for public in _own(machine, state))


def _own(machine: Machine, state: HubState) -> list[str]:
    """The public keys of this machine that the group knows."""
    found = []
    for role in ("member", "owner", "reviewer", "importer", "evolver"):
        try:
            key = keys.load(machine.home / "keys", state.group, role)
        except SkillClawError:
            continue
        if key is not None and keys.public_hex(key) in state.keys:
            found.append(keys.public_hex(key))
    return found


def check_no_source(
    machine: Machine, hub: Hub, state: HubState, proposal: ProposalState, record: Proposal
) -> None:
    """UsageError where this machine's user may not be the reviewer who lets a group's proposal through: under
    `strict` who is a source of it, under the two-person rule who wrote it."""
    who = [state.keys[public].member for public in _own(machine, state)]
    if needed(state.settings) > 1 and author(state, proposal) in who:
        raise UsageError(
            "You wrote this proposal, so your approval does not count.",
            "In this group two different people approve a change, and its author is none of them.",
            "Ask another owner or reviewer.",
        )
    if policy_for(state, record, group=True) == "strict" and is_source(machine, state, record):
        raise UsageError(
            "Sessions of yours are among what this proposal cites.",
            "Under the policy 'strict' a reviewer who is not a source looks at every change.",
            "Ask another owner or reviewer.",
        )


def stage_for(policy: str, *, group: bool) -> Literal["stable", "canary"]:
    """As what a change is released: on one's own hub under `solo` at once, else as a canary."""
    return "stable" if policy == "solo" and not group else "canary"
