"""The page `proposals`: what waits for people, and one proposal with all that a decision needs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import Response

from skillclaw.errors import BadInputError, UsageError
from skillclaw.hub.approval import waits_for_people
from skillclaw.server.machine import PERSONAL
from skillclaw.server.review import decisions
from skillclaw.server.review.places import moved_from
from skillclaw.server.review.queueing import QueueRow, queue
from skillclaw.server.review.reviewing import check_no_source, review
from skillclaw.trajectory.moments import moment_of
from skillclaw.web.diffs import side_by_side
from skillclaw.web.settling import then_sync
from skillclaw.web.site.ask import Ask, act, page
from skillclaw.web.site.house import role_in
from skillclaw.web.warm import then_load

if TYPE_CHECKING:
    from skillclaw.gate.replay.records import ReplayResult
    from skillclaw.server.hubs.opened import Source
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import FoundProposal
    from skillclaw.skills.records import Proposal

__all__ = ["ROUTES"]

PAGE = 25
"""Proposals on one page of the list."""
ROWS = 600
"""Rows of a diff that are shown; the command line shows all."""
LINES = 100
"""New lines that are shown with what they rest on."""
CASES = 100
STATUSES = ("waiting", "open", "passed", "held", "released", "rejected")
DECIDE = ("owner", "reviewer")


class Case(NamedTuple):
    """A replayed case: how it ended, and the mean scores without the change and with it."""

    id: str
    kind: str
    ended: str
    before: float | None
    after: float | None
    repeats: int
    note: str


class Tried(NamedTuple):
    """A replay as the page tells it; `p` of the exact sign test, None where no case was decided."""

    cases: list[Case]
    left_out: int
    won: int
    lost: int
    tied: int
    void: int
    p: float | None
    result: ReplayResult


def show(ask: Ask) -> Response:
    """The queue."""
    rows, unread = _queue(ask)
    hubs = sorted({row.hub for row in rows}, key=lambda name: (name != PERSONAL, name))
    hub, words = ask.query.get("hub", ""), ask.query.get("q", "").strip().casefold()[:100]
    rows = [row for row in rows if hub in ("", row.hub) and words in f"{row.skill} {row.id}".casefold()]
    counts = Counter("waiting" if row.waits else row.status for row in rows)
    status = ask.query.get("status", "")
    if status in STATUSES:
        rows = [row for row in rows if ("waiting" if row.waits else row.status) == status]
    begin = ask.whole("from", 0, 0, len(rows))
    answer = ask.render(
        "proposals/index.html",
        page="proposals",
        rows=[(row, _age(row.time)) for row in rows[begin : begin + PAGE]],
        total=len(rows),
        begin=begin,
        counts=counts,
        statuses=[one for one in STATUSES if counts[one] or one in ("waiting", status)],
        chosen=status if status in STATUSES else "",
        hub=hub,
        hubs=hubs,
        words=ask.query.get("q", "").strip()[:100],
        unread=unread,
        before=_part(ask, max(0, begin - PAGE)) if begin else "",
        next=_part(ask, begin + PAGE) if begin + PAGE < len(rows) else "",
    )
    later = ("skillclaw.journal.redact", "skillclaw.gate", "skillclaw.server.groups.membership")
    return then_load(answer, *later)


def show_one(ask: Ask) -> Response:
    """One proposal."""
    from skillclaw.server.review.replaying import found_before

    hub, id_ = ask.path["hub"], ask.path["id"]
    with ask.house.open() as machine:
        source, found = _find(machine, hub, id_)
        record = decisions.load(found)
        seen = review(machine, hub, found.hub, found.log, found.state, record)
        role = role_in(source)
        waits = waits_for_people(found.log, found.state, seen.policy)
        barred = _barred(machine, found, record) if waits and role in DECIDE else None
        replayed = found_before(machine, found)
    rows, _ = _queue(ask)
    changes, cut = side_by_side(seen.diff, ROWS)
    before, next_ = _beside(rows, hub, id_)
    keys = found.log.keys
    members = {key.member: key.name for key in keys.values() if key.name}
    open_ = found.state.status not in ("rejected", "released")
    return ask.render(
        "proposals/one.html",
        page="proposals",
        hub=hub,
        group=hub != PERSONAL,
        state=found.state,
        record=record,
        review=seen,
        moved=moved_from(found.log, found.state, record),
        age=_age(found.state.time),
        changes=changes,
        cut=cut or seen.cut,
        lines=seen.lines[:LINES],
        lines_left=max(0, len(seen.lines) - LINES),
        tried=_tried(replayed) if replayed is not None else None,
        members=members,
        author=_name(keys, found.state.author or found.state.by),
        role=role,
        waits=waits,
        barred=barred,
        may_decide=role in DECIDE,
        may_approve=role in DECIDE and waits and barred is None,
        may_reject=role in DECIDE and open_,
        may_vote=hub != PERSONAL and role in ("member", *DECIDE) and open_,
        two_people=hub != PERSONAL and found.log.settings.get("reviewers") == 2,
        most=decisions.NOTE,
        before=before,
        next=next_,
    )


def approve(ask: Ask) -> Response:
    """Approve, and install what was released by it."""
    hub, id_ = ask.path["hub"], ask.path["id"]
    ask.house.fresh()  # to decide on what is there now
    with ask.house.open() as machine:
        found = _find(machine, hub, id_)[1]
        done = decisions.approve(machine, found, hub, ask.form.get("note", "").strip())
    if done.release is None:
        told = ask.t("Approved.") + " " + ask.t(done.needs)
    else:
        told = ask.t("Approved and released as {stage}.", stage=ask.t(done.release.stage))
    if done.source_unknown:
        told += " " + ask.t(
            "This machine cannot tell whether sessions of yours are among its sources; "
            "under the policy strict somebody who is no source should approve."
        )
    there = ask.go("proposal", told=told, hub=hub, id=id_)
    return then_sync(ask, there) if done.release is not None else there


def reject(ask: Ask) -> Response:
    """Reject for good."""
    hub, id_ = ask.path["hub"], ask.path["id"]
    ask.house.fresh()  # to decide on what is there now
    with ask.house.open() as machine:
        found = _find(machine, hub, id_)[1]
        why = ask.form.get("note", "").strip() or "rejected by hand"
        decisions.reject(machine, found, why, hub)
    return ask.go("proposal", told=ask.t("Rejected. The same evidence does not bring it back."), **ask.path)


def vote(ask: Ask) -> Response:
    """Say what a member thinks of it."""
    hub, id_ = ask.path["hub"], ask.path["id"]
    ask.house.fresh()  # to decide on what is there now
    with ask.house.open() as machine:
        found = _find(machine, hub, id_)[1]
        decisions.vote(machine, found, ask.form.get("vote", ""), ask.form.get("note", "").strip(), hub)
    return ask.go("proposal", told=ask.t("Voted. It counts once the group has taken it in."), **ask.path)


def _queue(ask: Ask) -> tuple[list[QueueRow], list[Source]]:
    """The queue, made again only where a hub's log has grown."""
    with ask.house.open() as machine:
        sources = machine.hubs.sources()
        stamp = tuple(
            (one.name, one.state.head if one.state is not None else str(one.error)) for one in sources
        )
        return ask.house.kept("queue", stamp, lambda: queue(machine))


def _find(machine: Machine, hub: str, id_: str) -> tuple[Source, FoundProposal]:
    """The proposal of exactly this id in a hub of this machine; an address is no prefix."""
    if hub not in machine.hubs.names():
        raise BadInputError(f"There is no hub {hub!r}.")
    source = machine.hubs.source(hub)
    if source.error is not None or source.hub is None or source.state is None:
        raise source.error or BadInputError(f"The hub {hub} could not be read.")
    state = source.state.proposals.get(id_)
    if state is None:
        raise BadInputError(f"There is no proposal {id_[:40]!r} in the hub {hub}.")
    return source, decisions.FoundProposal(hub, source.hub, state, source.state)


def _barred(machine: Machine, found: FoundProposal, record: Proposal) -> UsageError | None:
    """Why this machine's user may not be the one who lets it through, though their key may decide."""
    if found.hub_name == PERSONAL:
        return None
    try:
        check_no_source(machine, found.hub, found.log, found.state, record)
    except UsageError as error:
        return error
    return None


def _beside(rows: list[QueueRow], hub: str, id_: str) -> tuple[QueueRow | None, QueueRow | None]:
    """The proposals before and behind this one in the queue."""
    place = next((n for n, row in enumerate(rows) if (row.hub, row.id) == (hub, id_)), None)
    if place is None:
        return None, None
    return (rows[place - 1] if place else None), (rows[place + 1] if place + 1 < len(rows) else None)


def _tried(result: ReplayResult) -> Tried:
    from skillclaw.gate.replay.deciding import NOT_NAMED, by_the_way, counted, outcome, proven_p

    count = counted(result)
    cases = [
        Case(
            one.case[:8],
            one.kind,
            outcome(one),
            _mean(one.before),
            _mean(one.after),
            len(one.after),
            one.note or NOT_NAMED * by_the_way(one),
        )
        for one in result.scores[:CASES]
    ]
    decided = count["won"] + count["lost"]
    p = proven_p(count["won"], count["lost"]) if decided else None
    left = len(result.scores) - len(cases)
    return Tried(cases, left, count["won"], count["lost"], count["tied"], count["void"], p, result)


def _mean(scores: list[float | None]) -> float | None:
    known = [one for one in scores if one is not None]
    return sum(known) / len(known) if known else None


def _name(keys: object, public: str) -> str:
    known = keys.get(public) if isinstance(keys, dict) else None
    return known.name if known is not None else ""


def _age(time: str) -> int | None:
    """Days since then; None where that is no time."""
    then = moment_of(time)
    return max(0, (datetime.now(UTC) - then).days) if then is not None else None


def _part(ask: Ask, begin: int) -> str:
    kept = {name: ask.query.get(name) or None for name in ("status", "hub", "q")}
    return ask.url("proposals", **kept, **{"from": begin or None})


ROUTES = [
    page("/proposals", "proposals", show),
    page("/proposals/{hub}/{id}", "proposal", show_one),
    act("/proposals/{hub}/{id}/approve", "approve-proposal", approve),
    act("/proposals/{hub}/{id}/reject", "reject-proposal", reject),
    act("/proposals/{hub}/{id}/vote", "vote-proposal", vote),
]
