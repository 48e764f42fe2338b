"""Skills that the user edited where they are installed: what was changed, merged, proposed (docs/sync.md)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import BadInputError, UsageError
from skillclaw.hub.taken import as_wanted
from skillclaw.library.choose import choose
from skillclaw.server.machine import PERSONAL
from skillclaw.server.skills.naming import at_already, shown, split_name
from skillclaw.server.skills.offering import Private, private_places
from skillclaw.server.skills.proposed import proposed_before
from skillclaw.skills.diff import unified
from skillclaw.skills.records import Bundle, Proposal, Sidecar, Verdict, content_id, record_in
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub import Release
    from skillclaw.library import EditedCopy, MergeRow
    from skillclaw.server.hubs.opened import Source
    from skillclaw.server.machine import Machine
    from skillclaw.skills.threeway import Prefer

__all__ = ["Edit", "Proposed", "diff_edited", "edits", "merge", "propose", "propose_text"]

PERSON = "person"
"""Engine of a proposal that a person wrote."""


class Edit(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One edited copy, in `skills diff NAME --json`.

    base   the version that it was made from, and `diff` what the user changed since
    newer  the version that the hub would install, where it is another; `newer_diff` from it to the copy
    merge  what `skills merge` would do: clean, conflicts, nothing or failed, with `detail`
    """

    skill: str
    hub: str
    place: str
    base: str
    diff: str
    newer: str = ""
    newer_diff: str = ""
    merge: str = "nothing"
    detail: str = ""


class Proposed(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`skills propose --json`: an edit as a proposal, and what became of it.

    hub      where it was proposed; base: the version that it changes, null for a skill that is new there
    private  secrets and personal data in it, which refuse it
    status   as the hub has it (held, passed, rejected, ...); `sent`: it lies in the group's inbox, as
             `message`, until the group's evolver takes it in
    """

    skill: str
    hub: str
    place: str
    base: str | None
    version: str
    proposal: str
    status: str = ""
    verdicts: list[Verdict] = []
    private: list[Private] = []
    message: str = ""


def edits(machine: Machine, given: str) -> list[Edit]:
    """The edited copies of the skill `NAME` or `HUB/NAME`; empty where none is. Raises what keeps their hubs
    from being read."""
    rows = {(row.hub, row.target): row for row in merge(machine, given, write=False)}
    found = []
    for copy in _copies(machine, given):
        source = machine.hubs.source(copy.entry.hub)
        row = rows.get((copy.entry.hub, copy.entry.target))
        newer = _offered(machine, source, copy)
        detail = row.detail if row is not None else ""
        if row is not None and row.conflicts:
            detail = "\n".join(conflict.text() for conflict in row.conflicts)
        base = _release(source, copy.entry.skill, copy.entry.version)
        found.append(
            Edit(
                skill=copy.entry.skill,
                hub=copy.entry.hub,
                place=str(copy.place),
                base=copy.entry.version,
                diff=unified(_files(machine, source, base, copy), copy.bundle),
                newer=newer.version if newer else "",
                newer_diff=unified(_files(machine, source, newer, copy), copy.bundle) if newer else "",
                merge=row.state if row is not None else "nothing",
                detail=detail,
            )
        )
    return found


def diff_edited(machine: Machine, given: str, other: str | None) -> str:
    """From the released version `other` (a prefix; `current`; None: the one that it was made from) to the
    first edited copy. BadInputError where none is edited."""
    from skillclaw.server.skills.naming import find_skill
    from skillclaw.server.skills.reports import version_like

    copy = _one_copy(machine, given, None, any_=True)
    if other is None:
        source = machine.hubs.source(copy.entry.hub)
        release = _release(source, copy.entry.skill, copy.entry.version)
        return unified(_files(machine, source, release, copy), copy.bundle)
    found = find_skill(machine, copy.entry.skill, copy.entry.hub)
    wanted = found.current if other == "current" else found.skill.release(version_like(found.skill, other))
    return unified(_files(machine, found.source, wanted, copy), copy.bundle)


def merge(
    machine: Machine, given: str, hub: str | None = None, *, prefer: Prefer = "", write: bool = True
) -> list[MergeRow]:
    """Merge what was released since into the edited copies; a row for each. Raises what keeps their hubs from
    being read. Without `write` it is only tried."""
    from skillclaw.gate import static_checks

    _, name = split_name(given, hub)
    sources = [
        machine.hubs.source(one) for one in sorted({c.entry.hub for c in _copies(machine, given, hub)})
    ]
    for source in sources:
        if source.error is not None:
            raise source.error
    views = [machine.hubs.view(source) for source in sources]
    return machine.library.merge(name, views, static_checks, prefer=prefer, write=write)


def propose(
    machine: Machine, given: str, *, hub: str | None = None, note: str = "", folder: Path | None = None
) -> Proposed:
    """Make the edit of a skill a proposal: to the hub that it comes from, or to `hub`.

    `given` is `NAME` or `HUB/NAME`; `folder` says which copy, where several were edited otherwise. To the
    personal hub it goes with the gate's verdicts; to a group by its inbox. What holds secrets or personal
    data, and what a check rejects, goes nowhere: the result then has no status.

    Raises BadInputError where no copy is edited, UsageError where it is not clear which is meant or where it
    does not fit what the hub has, and what the hub raises.
    """
    copy = _one_copy(machine, given, folder)
    source = machine.hubs.source(hub or copy.entry.hub)
    if source.error is not None or source.hub is None or source.state is None:
        raise source.error or BadInputError(f"Hub {source.name} could not be read.")
    known = source.state.skills.get(copy.entry.skill)
    current = known.release(known.current) if known is not None and known.current else None
    # machines may have another than the log's current one, which people took away
    had = as_wanted(source.state).skills.get(copy.entry.skill)
    fits = had.release(had.current) if had is not None and had.current else None
    _check_fits(machine, source, copy, fits)
    why = note or "A person edited the installed copy."
    return _put(machine, source, copy.bundle, current, why, str(copy.place), made_from=fits)


def propose_text(machine: Machine, given: str, text: str, *, base: str, note: str = "") -> Proposed:
    """Make `text` the SKILL.md of the current version of a skill (`NAME` or `HUB/NAME`), as a proposal.

    `base` is the version that the text was made from. It goes the way of `propose`, which says what the
    result tells. Raises BadInputError where the text changes nothing or is no SKILL.md, UsageError where
    another version is current by now, and what the hub raises.
    """
    from skillclaw.server.skills.naming import find_skill
    from skillclaw.skills.items import replace_text

    found = find_skill(machine, given)
    current = found.current
    if current.version != base:
        raise UsageError(
            f"A newer version of {found.shown} was released: {current.version[:12]}.",
            f"Your text was made from {base[:12]}.",
            "Look at what changed, and edit that version.",
        )
    before = machine.hubs.bundle(found.hub, current)
    if not text.strip():
        raise BadInputError("SKILL.md cannot be empty.", "", "To take the skill away, archive it.")
    bundle = replace_text(before, {"SKILL.md": text})
    if bundle == before:
        raise BadInputError("The text is the same as before.", "", "Change something first.")
    return _put(machine, found.source, bundle, current, note or "A person edited the text.", "")


def propose_version(machine: Machine, given: str, version: str, *, note: str = "") -> Proposed:
    """Make an earlier version of a skill (`NAME` or `HUB/NAME`; a prefix will do) a proposal, for one that
    people took away and that one of them cannot bring back alone. Raises as `propose_text` does.
    """
    from skillclaw.server.skills.naming import find_skill
    from skillclaw.server.skills.reports import version_like

    found = find_skill(machine, given)
    skill = found.skill
    wanted = version_like(skill, version)
    again = skill.release(wanted)
    assert again is not None
    if again.stage == "revoked":
        raise UsageError(f"Version {wanted[:12]} of {given} was revoked.", "It is unsafe and stays away.")
    if wanted == skill.current:
        raise at_already(given)
    current = skill.release(skill.current) if skill.current is not None else None
    why = note or f"A person wants version {wanted[:12]} back."
    return _put(machine, found.source, machine.hubs.bundle(found.hub, again), current, why, "", again)


def _put(
    machine: Machine,
    source: Source,
    bundle: Bundle,
    current: Release | None,
    why: str,
    place: str,
    again: Release | None = None,
    *,
    made_from: Release | None = None,
) -> Proposed:
    """Propose `bundle`, the files of the earlier release `again` where there is one, to a hub that can be
    read, in place of the release `current`. `made_from`: what was edited, where that is another one."""
    assert source.hub is not None
    proposal = _proposal(machine, source, bundle, current, why, again, again or made_from or current)
    private = list(private_places(bundle, machine.redactor))
    found = Proposed(
        skill=bundle.name,
        hub=source.name,
        place=place,
        base=proposal.base,
        version=proposal.sidecar.version if proposal.sidecar else "",
        proposal=proposal.id,
        private=private,
    )
    if private:
        return found
    verdicts = _verdicts(machine, source, proposal)
    found = msgspec.structs.replace(found, verdicts=verdicts)
    if any(verdict.verdict == "reject" for verdict in verdicts):
        return found
    if source.name == PERSONAL:
        from skillclaw.gate import decide

        state = source.hub.propose(proposal)
        if state.status == "open":
            state = source.hub.record_verdicts(proposal.id, verdicts, decide(verdicts))
        return msgspec.structs.replace(found, status=state.status, verdicts=state.verdicts)
    from skillclaw.hub import inbox

    own = inbox.authored(source.hub, proposal)
    message = inbox.send(source.hub, "proposal", msgspec.to_builtins(own))
    return msgspec.structs.replace(found, status="sent", proposal=own.id, message=message)


def _check_fits(machine: Machine, source: Source, copy: EditedCopy, current: Release | None) -> None:
    entry = copy.entry
    name = shown(entry.hub, entry.skill)
    if source.name != entry.hub:
        if current is not None:
            raise UsageError(
                f"Hub {source.name} has a skill named {entry.skill} already.",
                f"Your copy was made from another one, that of hub {entry.hub}.",
                f"See what is there: skillclaw skills show {source.name}/{entry.skill}",
            )
        return
    if current is None:
        raise UsageError(
            f"Hub {source.name} has withdrawn {entry.skill}.",
            "There is nothing that your edit would change.",
            f"Propose it to another hub: skillclaw skills propose {name} --hub NAME",
        )
    if current.version != entry.version:
        newer = _offered(machine, source, copy)
        raise UsageError(
            f"A newer version of {name} was released: {current.version[:12]}.",
            f"Your copy was made from {entry.version[:12]}."
            + ("" if newer else " The newer one is a canary that this machine has no part in."),
            f"Merge it first: skillclaw skills merge {name}" if newer else "Wait until it is decided on.",
        )


def _proposal(
    machine: Machine,
    source: Source,
    bundle: Bundle,
    current: Release | None,
    why: str,
    again: Release | None,
    like: Release | None,
) -> Proposal:
    """The id depends on the text and on what it changes alone: who proposes it is not in it. What comes back,
    or was rejected in a group, was proposed before; then it depends on what became of it, too."""
    from skillclaw.skills.bundle import version
    from skillclaw.skills.items import all_items

    made = version(bundle)
    before = None
    # evidence of another hub's skill stays in that hub
    if like is not None and like.sidecar is not None and source.hub is not None:
        before = record_in(machine.hubs.object(source.hub, like.sidecar), Sidecar)
    base = current.version if current else None
    since = proposed_before(source, bundle.name, made, again)
    return Proposal(
        id=content_id("proposal", base, PERSON, made, *since),
        action="refine" if current else "create",
        skill=bundle.name,
        base=base,
        engine=PERSON,
        why=why,
        scope=like.scope if like else "global",
        project=like.project if like else None,
        bundle=bundle,
        sidecar=Sidecar(
            skill=bundle.name,
            version=made,
            parents=[base] if base else [],
            engine=PERSON,
            items=all_items(bundle, before),
        ),
    )


def _verdicts(machine: Machine, source: Source, proposal: Proposal) -> list[Verdict]:
    """All that the personal hub's gate says; for a group what the files alone tell: its own gate judges."""
    assert proposal.bundle is not None
    assert source.hub is not None
    assert source.state is not None
    if source.name != PERSONAL:
        from skillclaw.gate import static_checks

        return static_checks(proposal.bundle)
    from skillclaw.evolve.current import current_skills, ignored
    from skillclaw.server.skills.judging import judged
    from skillclaw.skills.bundle import version

    current = current_skills(source.hub, source.state, ignored)
    ours = [*source.state.skills]
    return judged(machine, proposal, current, ours=ours, same={version(proposal.bundle)})


def _copies(machine: Machine, given: str, hub: str | None = None) -> list[EditedCopy]:
    wanted, name = split_name(given, hub)
    return machine.library.edited(name, wanted)


def _one_copy(machine: Machine, given: str, folder: Path | None, *, any_: bool = False) -> EditedCopy:
    copies = _copies(machine, given)
    if folder is not None:
        given_place = folder.expanduser().absolute()
        copies = [c for c in copies if given_place in (c.place.absolute(), c.place.parent.absolute())]
    if not copies:
        raise BadInputError(
            f"No installed copy of {given} is edited.", "", "See: skillclaw skills edit-status"
        )
    if not any_ and any(copy.bundle != copies[0].bundle for copy in copies):
        raise UsageError(
            f"Several copies of {given} are edited, and they differ.",
            ", ".join(str(copy.place) for copy in copies[:4]),
            "Say which: --folder FOLDER",
        )
    return copies[0]


def _offered(machine: Machine, source: Source, copy: EditedCopy) -> Release | None:
    """The version that comes to the edited copy, where it is another than the copy's."""
    if source.state is None:
        return None
    skill = source.state.skills.get(copy.entry.skill)
    if skill is None:
        return None
    choice = choose(skill, machine.hubs.view(source), has_copy=True)
    release = choice.for_edited(copy.entry.version)
    return None if release is None or release.version == copy.entry.version else release


def _release(source: Source, skill: str, version: str) -> Release | None:
    known = source.state.skills.get(skill) if source.state is not None else None
    return known.release(version) if known is not None else None


def _files(machine: Machine, source: Source, release: Release | None, copy: EditedCopy) -> Bundle:
    from skillclaw.library.folders import without_litter

    if source.error is not None:
        raise source.error
    if release is None or source.hub is None:
        raise BadInputError(
            f"Hub {source.name} does not tell of the version that {copy.place} was made from.",
            f"That is {copy.entry.version[:12]}.",
            f"See: skillclaw skills log {shown(source.name, copy.entry.skill)}",
        )
    return without_litter(machine.hubs.bundle(source.hub, release))
