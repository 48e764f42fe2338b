"""What of a release nobody approved when it came into the skill. Pure.

Clients ask before they install, since the gate's word is the evolver's, whose key may be stolen; and the gate
asks of the version that a change is made from, so that it lets nothing through that clients refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from skillclaw.errors import BadInputError, GoneError, VerifyError
from skillclaw.hub.approval import PEOPLE, approved_since, needed
from skillclaw.hub.records import HubState, ProposalState, Release
from skillclaw.hub.taken import disowned, taken
from skillclaw.skills.records import Bundle, Proposal

__all__ = ["Finder", "by_person", "covers", "unapproved", "widened"]

Finder = Callable[[Bundle], Mapping[str, str]]
"""What people have to see of a skill: from what versions are compared by to what is told of it."""
Fetch = Callable[[Release], Bundle]


def unapproved(
    state: HubState, release: Release, bundle: Bundle, find: Finder, fetch: Fetch, *, persons: bool
) -> dict[str, str]:
    """What `find` tells of `bundle`, the files of `release`, that came into the skill without approval.

    `persons`: a person who released alone, where one was enough, counts as one who approved. `fetch` gives
    the files of another release; one that is gone or is not what the log says approves nothing, other
    errors of it are raised. Of a version that people took away nothing is approved.
    """
    found = dict(find(bundle))
    if taken(state, release):
        return found
    return _Look(find, fetch).unapproved(state, release, found, persons=persons)


def by_person(state: HubState, release: Release) -> bool:
    """Whether a person said that this version is the current one: released it without a proposal, or went
    back to it, and nothing became of it since. Where two decide one person says nothing."""
    if needed(state.settings) > 1:
        return False
    last = release.story[-1] if release.story else None
    # with a `skill` it is back since a person undid the merge into that, and of this one they said nothing
    went_back = last is not None and last.what == "return" and not last.skill
    key = state.keys.get(last.by if last is not None and went_back else release.by)
    person = key is not None and key.role in PEOPLE and not key.revoked
    return person and (went_back or (release.proposal is None and last is None))


def widened(state: HubState, release: Release) -> bool:
    """Whether one person brought a version to where it never was, in a group where two decide."""
    there: list[Release] = []
    for one in [*_older(state, release), release]:
        if one.version != release.version:
            continue
        alone = one.proposal is None and one.reviewers > 1
        if not (alone and there) or any(covers(before, one) for before in there):
            there.append(one)
    return release not in there


@dataclass
class _Look:
    """One look at a skill: what is asked of its files, and what was answered already. Without that, what was
    approved by people whose keys were revoked one after another takes twice as long for each of them.

    `persons` in what follows: a person who released alone counts as one who approved.
    """

    find: Finder
    fetch: Fetch
    _found: dict[int, Mapping[str, str]] = field(default_factory=dict)
    _left: dict[tuple[object, ...], dict[str, str]] = field(default_factory=dict)

    def found(self, release: Release) -> Mapping[str, str]:
        """What there is to see of its files; nothing where they are gone or not what the log says."""
        if release.seq not in self._found:
            try:
                self._found[release.seq] = self.find(self.fetch(release))
            except (BadInputError, GoneError, VerifyError):
                self._found[release.seq] = {}
        return self._found[release.seq]

    def unapproved(
        self,
        state: HubState,
        release: Release,
        open_: dict[str, str],
        *,
        persons: bool,
        until: int | None = None,
    ) -> dict[str, str]:
        """What of `open_`, which `release` has, nobody approved in it, in what it was made from, or in what
        was made from it (by the entry `until`)."""
        asked = (release.seq, until, persons, _revoked(state), frozenset(open_))
        if asked not in self._left:
            left = self._below(state, release, open_, persons=persons)
            self._left[asked] = self._not_seen_later(state, release, left, until)
        return self._left[asked]

    def _below(
        self, state: HubState, release: Release, open_: dict[str, str], *, persons: bool
    ) -> dict[str, str]:
        """What of `open_`, which `release` has, nobody approved in it or in what it was made from."""
        found: dict[str, str] = {}
        while open_:
            same = _same(state, release)
            for one in same:
                open_ = self._unseen(state, one, open_, persons=persons)
            if not open_:
                break
            bases = list({base.seq: base for one in same if (base := _base(state, one, release))}.values())
            if not bases:
                return found | open_
            news, stays = [], []
            for base in bases:
                known = self.found(base)
                news.append({key: told for key, told in open_.items() if key not in known})
                stays.append({key: told for key, told in open_.items() if key in known})
            if len(bases) > 1:  # the same version was made from several: whichever way people approved more
                ways = zip(bases, news, stays, strict=True)
                left = [new | self._way(state, base, stay, persons=persons) for base, new, stay in ways]
                return found | min(left, key=len)
            found, open_, release = found | news[0], stays[0], bases[0]
        return found

    def _way(self, state: HubState, base: Release, open_: dict[str, str], *, persons: bool) -> dict[str, str]:
        """`_below`, asked once: ways part and meet again."""
        asked = ("below", base.seq, persons, _revoked(state), frozenset(open_))
        if asked not in self._left:
            self._left[asked] = self._below(state, base, open_, persons=persons)
        return self._left[asked]

    def _not_seen_later(
        self, state: HubState, release: Release, open_: dict[str, str], until: int | None
    ) -> dict[str, str]:
        """What of `open_` nobody saw in what was made from `release` and approved: they saw in that all that
        nobody had approved before."""
        for later in state.skills[release.skill].releases:
            if not open_ or (until is not None and later.seq >= until):
                break
            # what it was made from last: it takes the longest to find
            able = later.seq > release.seq and covers(later, release) and not taken(state, later)
            if able and _approved(state, later) and _made_from(state, later, release):
                known = self.found(later)
                held = {key: told for key, told in open_.items() if key in known}
                left = self._unseen(state, later, held, persons=False)
                open_ = {key: told for key, told in open_.items() if key not in held or key in left}
        return open_

    def _unseen(
        self, state: HubState, one: Release, open_: dict[str, str], *, persons: bool
    ) -> dict[str, str]:
        """What of `open_`, which `one` has, those who approved `one` did not see in it; they saw all that
        nobody had approved before. What somebody had, whose key was revoked only later, they were not shown
        as new."""
        proposal = _approved(state, one)
        if proposal is not None:
            at = min(proposal.approved_at)
        elif persons and _alone(state, one):
            at = one.seq
        else:
            return open_
        then = _with_keys_of(state, one.skill, at)
        base = _base(then, one, one)
        if base is None or then is state:
            return {}
        before = self.found(base)
        held = {key: told for key, told in open_.items() if key in before}
        left = self.unapproved(then, base, held, persons=persons, until=one.seq)
        return {key: told for key, told in held.items() if key not in left}


def _revoked(state: HubState) -> frozenset[str]:
    return frozenset(public for public, key in state.keys.items() if key.revoked)


def _with_keys_of(state: HubState, skill: str, at: int) -> HubState:
    """The state where those keys still count that were revoked after the entry `at`, of those that say
    something of the skill."""
    late = {
        public: replace(state.keys[public], revoked=False, revoked_at=0)
        for public in _voices(state, skill)
        if public in state.keys and state.keys[public].revoked_at > at
    }
    return replace(state, keys={**state.keys, **late}) if late else state


def _voices(state: HubState, skill: str) -> set[str]:
    """The keys that released, approved or brought back something of the skill."""
    found = set()
    for one in state.skills[skill].releases:
        found |= {one.by, one.back}
        for name in (one.proposal, one.again.proposal if one.again is not None else None):
            if name in state.proposals:
                found |= {*state.proposals[name].approvals}
    return found


def _made_from(state: HubState, later: Release, release: Release) -> bool:
    return any(one.seq == release.seq for one in state.skills[release.skill].below(later))


def _same(state: HubState, release: Release) -> list[Release]:
    """The release, and of a version that a person brought back without a proposal its earlier ones: an
    approval of those holds again. Not of what an evolver releases anew: people may have taken it away."""
    key = state.keys.get(release.by)
    if release.proposal is not None or key is None or key.role not in PEOPLE:
        return [release]
    older = [one for one in _older(state, release) if one.version == release.version]
    return [release, *(one for one in older if covers(one, release) and not taken(state, one))]


def _base(state: HubState, one: Release, release: Release) -> Release | None:
    """What `one` was made from, where an approval of that is one for the place of `release`."""
    older = [base for base in _older(state, one) if base.version == one.base]
    base = older[-1] if older else None
    approves = base is not None and covers(base, release) and not one.anew and not disowned(state, base)
    return base if approves else None


def _older(state: HubState, release: Release) -> list[Release]:
    return [one for one in state.skills[release.skill].releases if one.seq < release.seq]


def covers(before: Release, later: Release | Proposal) -> bool:
    """Whether what was approved for the place of `before` was so for that of `later`."""
    return before.scope == "global" or (before.scope, before.project) == (later.scope, later.project)


def _alone(state: HubState, release: Release) -> bool:
    """Whether one person released it without a proposal, where one is enough."""
    key = state.keys.get(release.by)
    person = key is not None and key.role in PEOPLE and not key.revoked
    return person and release.proposal is None and release.reviewers == 1


def _approved(state: HubState, release: Release) -> ProposalState | None:
    """Its proposal with the approvals that count, where as many people approved as had to then: what a group
    asks for later is for what comes later. What was approved before people last took a version away counts
    for nothing that is released after that."""
    proposal = state.proposals.get(release.proposal or "")
    if proposal is None:
        return None
    return approved_since(state, proposal, release.since, release.reviewers)
