"""Proposals of a group as the API tells them, and what a decision on one needs to see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from skillclaw.server.api import models
from skillclaw.server.api.desk import NO_PERSON
from skillclaw.skills.diff import unified
from skillclaw.skills.records import Bundle

if TYPE_CHECKING:
    from skillclaw.hub import HubState, ProposalState
    from skillclaw.server.api.desk import Opened
    from skillclaw.skills.records import Item, Proposal, Ref

__all__ = ["approvals", "cited", "detail", "files", "items", "row", "rows", "votes"]

DIFF = 200_000
"""Characters of a diff that are shown."""
COMPARED = 1_000_000
LINES = 20_000
"""Bytes and lines of both versions together that are compared: the time grows with their square, and anybody
who is a member can propose."""
TEXT = 2_000
"""Characters of one line of a skill that are shown."""
EXCERPT = 400
"""Tokens of one cited session that are shown."""
WAITS = ("open", "passed", "held")


def row(state: ProposalState) -> models.Proposal:
    """A proposal in a line."""
    return models.Proposal.model_validate(_facts(state))


def _facts(state: ProposalState) -> dict[str, object]:
    return {
        "id": state.id,
        "skill": state.skill,
        "action": state.action,
        "base": state.base,
        "version": state.version,
        "status": state.status,
        "time": state.time,
        "seq": state.seq,
        "by_member": state.author is not None,
        "approvals": len(state.approvals),
        "votes": len(state.votes),
        "why_not": [f"{v.check}: {v.reason}" for v in state.verdicts if v.verdict in ("hold", "reject")],
    }


def rows(
    state: HubState, *, status: str | None, skill: str | None, after: int | None, limit: int
) -> models.Page[models.Proposal]:
    """A page of proposals, newest first; `after` is the number of the last entry that was seen."""
    found = [
        one
        for one in state.proposals.values()
        if status in (None, one.status) and skill in (None, one.skill) and (after is None or one.seq < after)
    ]
    found.sort(key=lambda one: one.seq, reverse=True)
    more = str(found[limit - 1].seq) if len(found) > limit else None
    return models.Page(items=[row(one) for one in found[:limit]], next=more)


def detail(opened: Opened, state: ProposalState, record: Proposal) -> models.ProposalDetail:
    """All that a decision needs: the change, what each line rests on, what checks and people said."""
    facts = _facts(state) | {
        "why": record.why,
        "engine": record.engine,
        "scope": record.scope,
        "retires": [one.skill for one in record.retires],
        "diff": _diff(opened, state, record),
        "files": files(record.bundle),
        "items": items(record.sidecar.items if record.sidecar is not None else ()),
        "verdicts": models.of_all(models.Reason, state.verdicts),
        "approved_by": approvals(opened.state, state),
        "voted": votes(opened.state, state),
        "decide": _decide(opened, state),
    }
    return models.ProposalDetail.model_validate(facts)


def _diff(opened: Opened, state: ProposalState, record: Proposal) -> models.Change:
    skill = opened.state.skills.get(state.skill)
    base = skill.release(state.base) if skill is not None and state.base is not None else None
    empty = Bundle(name=state.skill, files=[])
    before = opened.machine.hubs.bundle(opened.hub, base) if base is not None else empty
    after = record.bundle or empty
    both = [file.data for bundle in (before, after) for file in bundle.files]
    if sum(map(len, both)) > COMPARED or sum(data.count(b"\n") for data in both) > LINES:
        return models.Change(text="", cut=True)
    text = unified(before, after)
    return models.Change(text=text[:DIFF], cut=len(text) > DIFF)


def files(bundle: Bundle | None) -> list[models.File]:
    """The files of a version."""
    return [
        models.File(path=file.path, size=len(file.data), executable=file.executable)
        for file in (bundle.files if bundle is not None else ())
    ]


def items(found: Iterable[Item]) -> list[models.Item]:
    """Lines with counts in place of their references: who said what when stays with the evolver."""
    return [item(one) for one in found]


def item(one: Item) -> models.Item:
    """One line."""
    days = sorted(ref.day for ref in one.evidence)
    return models.Item(
        id=one.id,
        kind=one.kind,
        section=one.section,
        text=one.text[:TEXT],
        patterns=one.patterns,
        sessions=len({ref.session for ref in one.evidence}),
        users=len({ref.user for ref in one.evidence}),
        agents=sorted({ref.agent for ref in one.evidence}),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        odds_ratio=one.odds_ratio,
        ci=list(one.ci) if one.ci is not None else None,
        helpful=one.helpful,
        harmful=one.harmful,
    )


def approvals(log: HubState, state: ProposalState) -> list[models.Approval]:
    """Who approved, by the names in the log."""
    return [
        models.Approval(
            name=log.keys[public].name if public in log.keys else "",
            role=log.keys[public].role if public in log.keys else "",
            key=public[:16],
        )
        for public in state.approvals
    ]


def votes(log: HubState, state: ProposalState) -> list[models.Vote]:
    """What members think."""
    names = {key.member: key.name for key in log.keys.values()}
    return [
        models.Vote(name=names.get(who, ""), vote=one.vote, reason=one.reason)
        for who, one in state.votes.items()
    ]


def _decide(opened: Opened, state: ProposalState) -> models.Check:
    policy = str(opened.state.settings.get("policy", "team"))
    if not opened.decides:
        return models.Check(approve=False, reject=False, why_not=" ".join(NO_PERSON))
    waits = state.status == "held" or (state.status == "passed" and policy == "strict")
    reject = state.status in WAITS
    return models.Check(
        approve=waits, reject=reject, why_not="" if reject or waits else f"It is {state.status}."
    )


def cited(
    opened: Opened, state: ProposalState, record: Proposal, after: int, limit: int
) -> models.Page[models.Shown]:
    """A page of the sessions that a proposal cites, with their masked text where this machine has them."""
    refs = _refs(record)
    persons = {user: number for number, user in enumerate(dict.fromkeys(ref.user for ref, _ in refs), 1)}
    part = refs[after : after + limit]
    texts = _texts(opened, [ref for ref, _ in part])
    shown = [
        models.Shown(
            session=ref.session,
            person=persons[ref.user],
            agent=ref.agent,
            day=ref.day,
            success=ref.success,
            steps=ref.steps,
            patterns=patterns,
            text=texts.get(ref.session),
        )
        for ref, patterns in part
    ]
    return models.Page(items=shown, next=str(after + limit) if len(refs) > after + limit else None)


def _refs(record: Proposal) -> list[tuple[Ref, list[str]]]:
    """Each cited session once, with the patterns of the lines that cite it, in order."""
    from skillclaw.evolve.cited import refs_of_items

    found = record.sidecar.items if record.sidecar is not None else []
    by: dict[str, dict[str, None]] = {}
    for one in found:
        for ref in one.evidence:
            by.setdefault(ref.session, {}).update(dict.fromkeys(one.patterns))
    return [(ref, list(by.get(ref.session, ()))) for ref in [*refs_of_items(found), *record.against]]


def _texts(opened: Opened, refs: Sequence[Ref]) -> dict[str, str]:
    from skillclaw.errors import BadInputError
    from skillclaw.evolve.dossier.sessions import Chosen, session_text
    from skillclaw.journal.store import SessionStore
    from skillclaw.server.collecting import group_folder, not_counted

    folder = group_folder(opened.machine, opened.hub.info.group)
    if not refs or not any(folder.glob("*.db")):
        return {}
    opened.machine.renew_redactor()
    found = {}
    with closing(SessionStore(folder)) as sessions:
        gone = not_counted(opened.machine, opened.state, sessions) | set(opened.state.tombstones)
        for ref in refs:
            if ref.session in gone:
                continue
            try:
                trajectory = sessions.get(ref.session)
            except BadInputError:
                continue
            chosen = Chosen(key=ref.session, person=0, agent=ref.agent, steps=ref.steps)
            found[ref.session], _ = opened.machine.redactor.text(session_text(trajectory, chosen, EXCERPT))
    return found
