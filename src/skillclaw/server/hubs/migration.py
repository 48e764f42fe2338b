"""Skills of another system's shared storage, or of a folder, brought into a hub as releases with a history.

Each version becomes a proposal that the gate's static checks judge and a release on top of the one before.
What is held waits for a person as always; what is rejected is named and left. Doing it again adds only what
is new.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from skillclaw.errors import BadInputError, UsageError
from skillclaw.evolve.evolvers import Current
from skillclaw.gate import decide
from skillclaw.hub.approval import missing, policy_of
from skillclaw.library.origin import Origin, open_origin
from skillclaw.library.shared_layout import Found, FoundVersion, Told, manifests, read_plain, read_shared
from skillclaw.skills.bundle import version as content_of
from skillclaw.skills.records import Proposal, Sidecar, content_id
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.gate import Masker
    from skillclaw.hub import Hub, HubState
    from skillclaw.skills.records import Bundle, Verdict

__all__ = ["Migration", "Moved", "Waiting", "migrate"]

ENGINE = "person"


class Moved(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A skill that was brought in: how many versions now, and which one is current."""

    skill: str
    versions: int
    current: str


class Waiting(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A version that a person must approve first; `proposal` is null in a dry run."""

    skill: str
    proposal: str | None
    reason: str


class Migration(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What `hub import-skillclaw` did, or would do (`dry_run`).

    layout: `shared` for a shared storage with a manifest, `folder` for plain skills; unchanged: skills that
    are in the hub just so.
    """

    source: str
    layout: Literal["shared", "folder"]
    dry_run: bool
    imported: list[Moved]
    unchanged: list[str]
    waiting: list[Waiting]
    refused: list[Told]


def migrate(
    hub: Hub,
    source: str,
    *,
    masker: Masker,
    group: str | None = None,
    history: bool = True,
    approve: bool = False,
    dry_run: bool = False,
) -> Migration:
    """Bring the skills at `source` into `hub`.

    `group` picks one of several manifests; with `approve` the person who runs it lets through what is held;
    `masker` finds what is private. Raises UsageError where no skills are there.
    """
    origin, shown = open_origin(source)
    layout, skills = _skills(origin, shown, source, group, history)
    report = Migration(
        source=shown, layout=layout, dry_run=dry_run, imported=[], unchanged=[], waiting=[], refused=[]
    )
    seen: set[str] = set()
    for found in skills:
        if isinstance(found, Told):
            report.refused.append(found)
        elif found.name in seen:
            report.refused.append(Told(skill=found.name, reason="Another skill there has the same name."))
        else:
            seen.add(found.name)
            _take(hub, found, report, masker, approve=approve)
    if not seen and not report.refused:
        raise UsageError(f"There are no skills at {shown}.", "No folder there holds a SKILL.md.")
    return report


def _skills(
    origin: Origin, shown: str, source: str, group: str | None, history: bool
) -> tuple[Literal["shared", "folder"], Iterable[Found | Told]]:
    found = manifests(origin)
    if group is not None:
        found = [prefix for prefix in found if prefix == f"{group}/"]
        if not found:
            raise UsageError(
                f"There is no group {ascii(group)[:80]} at {shown}.", "It has no manifest.jsonl."
            )
    if len(found) > 1:
        names = ", ".join(prefix.rstrip("/") for prefix in found[:10])
        raise UsageError(f"Several groups share skills at {shown}.", names, "Say which: --group NAME")
    if found:
        return "shared", read_shared(origin, found[0], history=history)
    return "folder", read_plain(origin, PurePath(urlsplit(source).path).name or "skill")


def _take(hub: Hub, found: Found, report: Migration, masker: Masker, *, approve: bool) -> None:
    """Release the versions that the hub does not have yet, one on top of the other."""
    state = hub.state()
    try:
        known, todo = _new(state, found)
    except BadInputError as error:
        report.refused.append(Told(skill=found.name, reason=error.what))
        return
    if not todo:
        report.unchanged.append(found.name)
        return
    base = known.bundle if known is not None else None
    done = 0
    for version in todo:
        outcome = _release(hub, version, base, report, masker, approve=approve)
        if outcome == "stop":
            break
        if outcome == "released":
            base, done = version.bundle, done + 1
    if done and base is not None:
        report.imported.append(Moved(skill=found.name, versions=done, current=content_of(base)))


def _new(state: HubState, found: Found) -> tuple[FoundVersion | None, list[FoundVersion]]:
    """The version that is current in the hub, and those to add on top of it.

    Raises BadInputError where the hub's skill is not this one, or was withdrawn there.
    """
    skill = state.skills.get(found.name)
    if skill is None:
        return None, found.versions
    if skill.current is None:
        raise BadInputError("The hub withdrew a skill of this name; it is not brought back.")
    contents = [content_of(version.bundle) for version in found.versions]
    if skill.current not in contents:
        raise BadInputError("The hub has a skill of this name that says something else; it stays.")
    # the last, since a version may have come back later
    last = max(at for at, content in enumerate(contents) if content == skill.current)
    return found.versions[last], found.versions[last + 1 :]


def _release(
    hub: Hub,
    version: FoundVersion,
    before: Bundle | None,
    report: Migration,
    masker: Masker,
    *,
    approve: bool,
) -> Literal["released", "refused", "stop"]:
    """Release one version on top of `before`; "stop" where nothing can follow it yet."""
    name, number = version.bundle.name, version.number or None
    proposal = _proposal(version, content_of(before) if before is not None else None)
    verdicts = _judged(proposal, before, masker, policy_of(hub.state().settings, name))
    status = decide(verdicts)
    if status == "rejected":
        why = "; ".join(f"{v.check}: {v.reason}" for v in verdicts if v.verdict == "reject")
        report.refused.append(Told(skill=name, version=number, reason=why))
        return "refused"
    held = " ".join(v.reason for v in verdicts if v.verdict == "hold")
    if report.dry_run:
        if held and not approve:
            report.waiting.append(Waiting(skill=name, proposal=None, reason=held))
            return "stop"
        return "released"
    known = hub.propose(proposal)
    if known.status in ("rejected", "released"):  # released, and yet not current
        why = "It was rejected here." if known.status == "rejected" else "It was taken back here."
        report.refused.append(Told(skill=name, version=number, reason=why))
        return "refused" if known.status == "rejected" else "stop"
    if known.status == "open":
        known = hub.record_verdicts(proposal.id, verdicts, status)
    if known.status == "held":
        if not approve:
            report.waiting.append(Waiting(skill=name, proposal=proposal.id, reason=held))
            return "stop"
        known = hub.approve(proposal.id)
        if more := missing(hub.last_state(), known):
            held = f"It needs {more} more reviewer{'' if more == 1 else 's'}. {held}"
            report.waiting.append(Waiting(skill=name, proposal=proposal.id, reason=held))
            return "stop"
    people = hub.acts_as("owner", "reviewer")
    measured = people is None and policy_of(hub.last_state().settings, name) != "solo"
    hub.release(proposal.id, stage="canary" if measured else "stable", role=people)
    return "released"


def _judged(proposal: Proposal, before: Bundle | None, masker: Masker, policy: str) -> list[Verdict]:
    """What the files alone say, and what people must see first. No session stands behind such a skill, so
    the checks of evidence have nothing to ask."""
    from skillclaw import gate

    assert proposal.bundle is not None
    current = {}
    if before is not None and proposal.base is not None:
        sidecar = Sidecar(skill=before.name, version=proposal.base)
        current[before.name] = Current(bundle=before, sidecar=sidecar, version=proposal.base)
    context = gate.GateContext(
        policy=gate.policy(policy), redactor=masker, sessions=lambda key: None, current=current
    )
    verdicts = gate.static_checks(proposal.bundle)
    approval = next(check for check in gate.checks() if check.name == "approval")
    return [*verdicts, *approval.check(proposal, context)]


def _proposal(version: FoundVersion, base: str | None) -> Proposal:
    name, content = version.bundle.name, content_of(version.bundle)
    what = f"version {version.number}" if version.number else "a skill"
    when = f" of {version.day}" if version.day else ""
    return Proposal(
        id=content_id("proposal", base, "import", content),
        action="create" if base is None else "refine",
        skill=name,
        base=base,
        engine=ENGINE,
        why=f"Brought in from another system: {what}{when}.",
        bundle=version.bundle,
        sidecar=Sidecar(skill=name, version=content, parents=[base] if base else [], engine=ENGINE),
    )
