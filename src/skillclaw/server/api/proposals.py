"""Proposals of a group as the API tells them, and what a decision on one needs to see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from skillclaw.errors import UsageError
from skillclaw.hub.approval import waits_for_people
from skillclaw.server.api import models
from skillclaw.server.api.desk import NO_PERSON
from skillclaw.server.review import reviewing

if TYPE_CHECKING:
    from skillclaw.hub import HubState, ProposalState
    from skillclaw.server.api.desk import Opened
    from skillclaw.skills.records import Bundle, Item, Proposal, Ref

__all__ = ["approvals", "cited", "detail", "files", "items", "row", "rows", "votes"]

TEXT = 2_000
"""Characters of one line of a skill that are shown."""
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
    policy = reviewing.policy_for(opened.state, record, group=True)
    diff, cut = reviewing.diff_of(opened.machine, opened.hub, opened.state, state, record)
    new = {one.id for one in reviewing.new_lines(opened.machine, opened.hub, opened.state, record)}
    known = items(record.sidecar.items if record.sidecar is not None else ())
    facts = _facts(state) | {
        "why": record.why,
        "engine": record.engine,
        "scope": record.scope,
        "retires": [one.skill for one in record.retires],
        "diff": models.Change(text=diff, cut=cut),
        "files": files(record.bundle),
        "items": [one.model_copy(update={"new": one.id in new}) for one in known],
        "policy": policy,
        "needs": reviewing.needs(opened.state, state, policy, record.instead),
        "verdicts": models.of_all(models.Reason, state.verdicts),
        "approved_by": approvals(opened.state, state),
        "voted": votes(opened.state, state),
        "decide": _decide(opened, state, record, policy),
    }
    return models.ProposalDetail.model_validate(facts)


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
    """Who approved, by the names in the log, and what they said."""
    return models.of_all(models.Approval, reviewing.approver_rows(log, state))


def votes(log: HubState, state: ProposalState) -> list[models.Vote]:
    """What members think."""
    names = {key.member: key.name for key in log.keys.values()}
    return [
        models.Vote(name=names.get(who, ""), vote=one.vote, reason=one.reason)
        for who, one in state.votes.items()
    ]


def _decide(opened: Opened, state: ProposalState, record: Proposal, policy: str) -> models.Check:
    if not opened.decides:
        return models.Check(approve=False, reject=False, why_not=" ".join(NO_PERSON))
    waits, why = waits_for_people(opened.state, state, policy), ""
    reject = state.status in WAITS
    try:
        if waits:
            reviewing.check_no_source(opened.machine, opened.hub, opened.state, state, record)
    except UsageError as error:
        waits, why = False, error.brief
    return models.Check(
        approve=waits, reject=reject, why_not=why or ("" if reject or waits else f"It is {state.status}.")
    )


def cited(opened: Opened, record: Proposal, after: int, limit: int) -> models.Page[models.Shown]:
    """A page of the sessions that a proposal cites, with their masked text where this machine has them."""
    refs = _refs(record)
    persons = {user: number for number, user in enumerate(dict.fromkeys(ref.user for ref, _ in refs), 1)}
    part = refs[after : after + limit]
    texts = reviewing.texts_of(opened.machine, opened.hub, opened.state, [ref for ref, _ in part])
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
    from skillclaw.gate.cited import refs_of_items

    found = record.sidecar.items if record.sidecar is not None else []
    by: dict[str, dict[str, None]] = {}
    for one in found:
        for ref in one.evidence:
            by.setdefault(ref.session, {}).update(dict.fromkeys(one.patterns))
    return [(ref, list(by.get(ref.session, ()))) for ref in [*refs_of_items(found), *record.against]]
