"""What people and evolvers decide over proposals and skills, as commits: what `Hub` knows of them.

Whoever was quicker has decided: what another machine decided meanwhile is no error, what it decided against
is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import msgspec

from skillclaw.errors import BadInputError, VerifyError
from skillclaw.formats import carried
from skillclaw.hub import arms, keys
from skillclaw.hub.approval import (
    PEOPLE,
    approved,
    ends_archived,
    fresh,
    missing,
    needed,
    outdated,
    overtaken_by,
    policy_of,
    waits_for_people,
)
from skillclaw.hub.membership import member
from skillclaw.hub.proposing import propose_anew, recorded
from skillclaw.hub.records import Commit, HubState, ProposalState, Release, SkillState
from skillclaw.hub.releasing import place
from skillclaw.hub.taken import left_over, revoked_by_none
from skillclaw.hub.undoing import archived_by, comes_back
from skillclaw.skills import bundle as bundles
from skillclaw.skills.records import Bundle, Effect, Proposal, Sidecar, Verdict, record_in
from skillclaw.utf8 import need_utf8

__all__ = ["Deciding"]

REASON = 500
"""Characters of a reason that the log keeps."""
_TRIES = 5
"""Commits that are tried where an evolver is quicker each time."""
_record = msgspec.json.Encoder(order="deterministic")


class _Told(msgspec.Struct):
    sidecar: dict[str, Any] | None = None


class Deciding:
    """Proposals, verdicts, approvals, releases and what becomes of them. Every method may raise StorageError
    and VerifyError, BadInputError where the log does not take the commit, and UsageError where this machine
    has no key that may sign it."""

    if TYPE_CHECKING:
        # what `Hub` has
        def state(self) -> HubState: ...
        def last_state(self) -> HubState: ...
        def commit(self, kind: str, body: dict[str, Any], role: str = "evolver") -> Commit: ...
        def get_object(self, name: str) -> bytes: ...
        def put_object(self, data: bytes) -> str: ...
        def put_bundle(self, bundle: Bundle) -> tuple[str, str]: ...
        def own_key(self, role: str) -> keys.SigningKey: ...
        def acts_as(self, *wanted: str) -> str | None: ...
        def _role(self, *wanted: str) -> str: ...

    def propose(self, proposal: Proposal) -> ProposalState:
        """Make `proposal` known; one with the same id that is known already stays as it is."""
        need_utf8("proposal", proposal)
        state = self.state()
        if proposal.id not in state.proposals:
            body = {
                "id": proposal.id,
                "skill": proposal.skill,
                "action": proposal.action,
                "base": proposal.base,
                "object": self.put_object(_record.encode(proposal)),
                "version": bundles.version(proposal.bundle) if proposal.bundle is not None else None,
                **place(proposal, state.settings),
            }
            try:
                self.commit("proposal", body, role=self._role("evolver", "owner", "reviewer"))
            except BadInputError:
                if proposal.id not in self.state().proposals:  # another process may have been first
                    raise
        return self.state().proposals[proposal.id]

    def record_verdicts(self, proposal_id: str, verdicts: list[Verdict], status: str) -> ProposalState:
        """Write down what the gate said: `status` is passed, held or rejected; twice is once."""
        known = self._proposal(proposal_id)
        if known.verdicts != verdicts or known.status not in (status, "released"):
            body = {"proposal": proposal_id, "verdicts": verdicts, "status": status}
            self.commit("verdict", body, role=self._role("evolver", "owner", "reviewer"))
        return self._proposal(proposal_id)

    def approve(self, proposal_id: str, note: str = "") -> ProposalState:
        """Approve a proposal as owner, or as reviewer, with a `note` (500 characters) for the group; a second
        time changes nothing, nor where somebody released it meanwhile. VerifyError where the text is not what
        the log has of it, BadInputError where it cannot be released any more, since its skill changed.
        """
        known = self._proposal(proposal_id)
        record = recorded(self, known)
        _check_said(self.last_state(), known, record)
        if known.status in ("held", "passed") and not ends_archived(self.last_state(), known):
            _check_current(outdated(self.last_state(), known, record.instead), known, "approved")
        role = self._role("owner", "reviewer")
        state = self.last_state()
        mine = member(state, keys.public_hex(self.own_key(role)))

        def done(now: ProposalState) -> bool:
            return now.status == "released" or mine in {member(state, public) for public in now.approvals}

        if mine not in {member(state, public) for public in known.approvals}:
            body = {"proposal": proposal_id} | ({"note": note} if note else {})
            self._commit_unless(done, proposal_id, "approval", body, role)
        return self._proposal(proposal_id)

    def reject(self, proposal_id: str, why: str) -> ProposalState:
        """Reject a proposal as owner or reviewer, with the reason among its verdicts."""
        known = self._proposal(proposal_id)
        if known.status != "rejected":
            verdicts = [*known.verdicts, Verdict(check="approval", verdict="reject", reason=why)]
            body = {"proposal": proposal_id, "verdicts": verdicts, "status": "rejected"}
            role = self._role("owner", "reviewer")
            self._commit_unless(lambda now: now.status == "rejected", proposal_id, "verdict", body, role)
        return self._proposal(proposal_id)

    def _sidecar(self, known: ProposalState, sidecar: Sidecar, skill: SkillState | None) -> bytes:
        """Its bytes, with what a later version wrote into the proposal, or into the lines of the version that
        it changes, and this one does not know: the group's other machines may."""
        base = skill.release(known.base) if skill is not None and known.base is not None else None
        kept = carried(sidecar, msgspec.json.decode(self.get_object(known.object), type=_Told).sidecar)
        if kept is sidecar and base is not None and base.sidecar is not None:
            data = self.get_object(base.sidecar)
            with suppress(BadInputError):  # lost, or of a later format: this version has its own lines
                record_in(data, Sidecar)
                kept = carried(sidecar, {"items": msgspec.json.decode(data).get("items")})
        return _record.encode(kept)

    def release(self, proposal_id: str, stage: str = "stable", *, role: str | None = None) -> Release:
        """Release what was proposed, with its base as base; a retirement archives the skill. A canary gets
        the share of blocks that the hub's settings name (`canary`), else `arms.CONTROL`. `role` says as whom;
        None: as evolver, where this machine is one.

        Raises BadInputError where the log does not allow it: not passed, waiting for people, base outdated,
        pinned. A proposal that is released already gives its release. For a retirement the release that was
        current is given, with stage `archived`.
        """
        known = self._proposal(proposal_id)
        record = recorded(self, known)
        skill = self.state().skills.get(known.skill)
        role = role or self._role("evolver", "owner", "reviewer")
        if known.action == "retire":
            current = skill.release(known.base) if skill is not None and known.base is not None else None
            if current is None:
                raise BadInputError(f"{known.skill} has no such version to retire.")
            if known.status != "released":
                if record.instead is not None and not ends_archived(self.last_state(), known):
                    _check_current(outdated(self.last_state(), known, record.instead), known, "released")
                why = _told(record.why[:REASON], None)
                gone = {"skill": known.skill, "base": known.base, "proposal": known.id, **why}
                try:
                    self._commit_unless(_released, known.id, "archive", gone, role)
                except BadInputError:
                    person = self.acts_as("owner", "reviewer")
                    if not person or not ends_archived(self.last_state(), known):
                        raise
                    stays = {**gone, "stays": True}  # an evolver was quicker: see `archive`
                    self._commit_unless(_released, known.id, "archive", stays, person)
            return msgspec.structs.replace(current, stage="archived")
        if record.bundle is None or known.version is None:
            raise VerifyError(f"Proposal {known.id} holds no bundle.")
        if known.status != "released":
            _check_fresh(self.last_state(), known, role)
            version, name = self.put_bundle(record.bundle)
            sidecar = self.put_object(self._sidecar(known, record.sidecar, skill)) if record.sidecar else None
            body: dict[str, Any] = {
                "skill": known.skill,
                "version": version,
                "base": known.base,
                "object": name,
                "sidecar": sidecar,
                "proposal": known.id,
                "stage": stage,
                "scope": record.scope,
                "project": record.project,
            }
            if record.retires:  # left out where there is none, so that a reader of before takes the entry
                body["retires"] = record.retires
            if stage == "canary":
                body["share"] = arms.share_of(self.last_state().settings)
            self._commit_unless(_released, known.id, "release", body, role)
        found = self.state().skills[known.skill].release(known.version)
        assert found is not None
        return found

    def promote(
        self,
        skill: str,
        stage: str = "stable",
        *,
        version: str | None = None,
        why: str = "",
        effect: Effect | None = None,
        role: str | None = None,
    ) -> Release:
        """Make `version` (left out: the current one) `stable`, or stable but `unproven`. `why` (500
        characters) and `effect` are kept in its story. BadInputError where another version is current by now.
        """
        wanted = version or self._current(skill)
        body = {"skill": skill, "version": wanted, "base": wanted, "stage": stage, **_told(why, effect)}
        self.commit("promote", body, role=role or self._role("evolver", "owner", "reviewer"))
        found = self.last_state().skills[skill].release(wanted)
        assert found is not None
        return found

    def rollback(
        self,
        skill: str,
        version: str | EllipsisType | None = ...,
        *,
        base: str | None = None,
        why: str = "",
        effect: Effect | None = None,
        role: str | None = None,
    ) -> None:
        """Make an earlier version, or with None none, the current one of `skill`; left out: what was current
        before. `base` is the version that is taken back (left out: the current one), so that nothing else is
        where another was released meanwhile: BadInputError then. `why` and `effect` as for `promote`, `role`
        as for `archive`.
        """
        known = self.state().skills.get(skill)
        undone = base or (known.current if known is not None else None)
        if isinstance(version, EllipsisType):
            release = known.release(undone) if known is not None and undone is not None else None
            version = release.base if release is not None else None
        body = {"skill": skill, "version": version, "base": undone, **_told(why, effect)}
        returns = self._returns(skill, undone, version)
        named = {"returns": returns} if returns is not None else {}
        role = role or self._role("owner", "reviewer", "evolver")
        self._commit_or_stay("rollback", body, named, role, version)

    def _returns(self, skill: str, undone: str | None, version: str | None) -> list[str] | None:
        """The skills that come back with that rollback, where the log by itself would bring others back."""
        state = self.state()
        known = state.skills.get(skill)
        release = known.release(undone) if known is not None and undone is not None else None
        if release is None or release.base != version:
            return None
        right = archived_by(state, release)
        return right if right != comes_back(state, release) else None

    def archive(self, skill: str, why: str = "", *, base: str | None = None, role: str | None = None) -> None:
        """Leave `skill` without a current version; `why` as for `promote`. `role` says as whom; None: as a
        person, where this machine has a person's key, whose word no evolver undoes. A person's word counts,
        too, where an evolver was quicker, or said it long ago; then `base` is any version of it."""
        body = {"skill": skill, "base": base or self._current(skill), **_told(why, None)}
        self._commit_or_stay("archive", body, {}, role or self._role("owner", "reviewer", "evolver"), None)

    def _commit_or_stay(
        self, kind: str, body: dict[str, Any], more: dict[str, Any], role: str, version: str | None
    ) -> None:
        """Commit what makes `version` (None: none) current. Where it is so already, and no person said so, a
        person does: else an evolver that was quicker may bring back what the person took away."""
        stay = {**body, "stays": True}
        if version is None:  # `rollback` to none is that, too
            stay = {name: stay[name] for name in ("skill", "base", "why", "stays") if name in stay}
        for attempt in range(_TRIES):
            stays = self._says_more(body["skill"], version, body["base"], role)
            try:
                if stays:
                    self.commit("archive" if version is None else kind, stay, role=role)
                else:
                    self.commit(kind, {**body, **more}, role=role)
            except BadInputError:
                again = self._says_more(body["skill"], version, body["base"], role)
                if again == stays or attempt == _TRIES - 1:
                    raise
            else:
                return

    def _says_more(self, skill: str, version: str | None, base: str | None, role: str) -> bool:
        """Whether a person says something by wanting `version`, and not `base`, though it is current."""
        state = self.state()
        known = state.skills.get(skill)
        if known is None or role not in PEOPLE or known.current != version:
            return False
        return left_over(state, known, version, base) is not None

    def revoke(self, skill: str, version: str | None, why: str) -> None:
        """Declare a version, or with None all of `skill`, unsafe: every client moves its copies away. Where
        only an evolver did so yet, it is a person's word from then on."""
        body = {"skill": skill, "version": version, "why": why}
        role = self._role("owner", "reviewer", "evolver")
        try:
            self.commit("revoke", body, role=role)
        except BadInputError:
            state = self.state()
            known = state.skills.get(skill)
            if known is None or role not in PEOPLE or not revoked_by_none(state, known, version):
                raise
            self.commit("revoke", {**body, "stays": True}, role=role)

    def _current(self, skill: str) -> str:
        known = self.state().skills.get(skill)
        if known is None or known.current is None:
            raise BadInputError(f"{skill} has no current version.", "", f"See: skillclaw skills log {skill}")
        return known.current

    def _commit_unless(
        self,
        done: Callable[[ProposalState], bool],
        proposal_id: str,
        kind: str,
        body: dict[str, Any],
        role: str,
    ) -> None:
        """Commit; where the log refuses it since the proposal is `done` by now, another was quicker."""
        try:
            self.commit(kind, body, role=role)
        except BadInputError:
            if not done(self._proposal(proposal_id)):
                raise

    def _proposal(self, proposal_id: str) -> ProposalState:
        found = self.state().proposals.get(proposal_id)
        if found is None:
            raise BadInputError(
                f"There is no proposal {ascii(proposal_id)[:80]}.", "", "See: skillclaw proposals list"
            )
        return found


def _check_current(changed: str, known: ProposalState, done: str) -> None:
    """BadInputError where a skill that the proposal was made for is another by now."""
    if changed:
        raise BadInputError(
            f"Proposal {known.id} is outdated, so it cannot be {done}.",
            f"It was made for another version of {changed} than the current one.",
            f"Reject it: skillclaw proposals reject {known.id}",
        )


def _check_fresh(state: HubState, known: ProposalState, role: str) -> None:
    """BadInputError where people approved it, and too few did since they took something of it away: the log
    would release it, and no machine would take it."""
    policy = policy_of(state.settings, known.skill, *(gone.skill for gone in known.retires or []))
    alone = role in PEOPLE and needed(state.settings) == 1
    waits = known.status in ("held", "passed") and waits_for_people(state, known, policy)
    if waits and not alone and approved(state, known) and missing(state, fresh(state, known)):
        gone = overtaken_by(state, known)
        raise BadInputError(
            f"Proposal {known.id} was approved before people took a version of {gone} away.",
            "Machines do not count that any more.",
            propose_anew(known),
        )


def _check_said(state: HubState, known: ProposalState, record: Proposal) -> None:
    """BadInputError where the log does not hold a release to the place that people are shown: it was proposed
    while nobody had to be asked."""
    policy = policy_of(state.settings, known.skill, *(gone.skill for gone in record.retires))
    waits = known.scope is None and known.status in ("held", "passed") and policy != "solo"
    if waits and (record.scope == "project" or record.retires):
        where = f"the project {record.project}" if record.scope == "project" else "what it takes in"
        raise BadInputError(
            f"Proposal {known.id} cannot be approved.",
            f"Its entry in the log does not say {where}, as those from before this group asked people: who "
            "releases it could put it elsewhere.",
            propose_anew(known),
        )


def _released(proposal: ProposalState) -> bool:
    return proposal.status == "released"


def _told(why: str, effect: Effect | None) -> dict[str, Any]:
    """The fields of a reason; left out where there is none, so that a reader of before takes the entry."""
    return ({"why": why} if why else {}) | ({"effect": effect} if effect is not None else {})
