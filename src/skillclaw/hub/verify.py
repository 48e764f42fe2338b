"""`hub verify`: the whole log and every object that it names, checked from the start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from skillclaw.errors import UNREADABLE, SkillClawError, UpgradeNeededError, VerifyError
from skillclaw.hub import checkpoints, listing, log, packs
from skillclaw.hub.reading import open_pack
from skillclaw.hub.records import HubState, ProposalState
from skillclaw.hub.walking import walk
from skillclaw.skills import bundle as bundles
from skillclaw.skills.records import Proposal, Sidecar, record_in

if TYPE_CHECKING:
    from skillclaw.hub.hub import Hub
    from skillclaw.hub.listing import Listing
    from skillclaw.hub.seen import SeenGroup

__all__ = ["problems"]

Fault = tuple[int, str]
"""The number of the entry that it belongs to, and what does not hold."""


def problems(hub: Hub, seen: SeenGroup) -> list[str]:
    """What does not hold, one line each, in the order of the log; empty where everything does."""
    found = listing.look(hub.store, 0)
    state, in_log = _log(hub, seen, found)
    # a pack that does not hold is told before the gap that it leaves
    faults = [*_packs(hub, state, found), *in_log, *_objects(hub, state)]
    last = max([state.seq, *found.entries])
    faults += [(last + 1, f"{name} is no part of a log") for name in found.strange]
    return [text for _, text in sorted(faults, key=lambda fault: fault[0])]


def _log(hub: Hub, seen: SeenGroup, found: Listing) -> tuple[HubState, list[Fault]]:
    """Every entry and checkpoint; the state that the log ends with."""
    state = log.initial(hub.info)
    faults: list[Fault] = []
    for step in walk(hub.store, hub.info, found):
        state = step.state
        if step.reason:
            faults.append((state.seq, f"log entry {state.seq} is void: {step.reason}"))
        if state.seq == seen.seq and (step.tip, state.head) != (seen.tip, seen.head):
            faults.append((state.seq, f"log entry {state.seq} is not the one that this machine has seen"))
        if state.seq in found.checkpoints:
            reason = _checkpoint(hub, state, step.tip)
            if reason:
                faults.append((state.seq, f"{checkpoints.key_of(state.seq)} is not used: {reason}"))
    end = state.seq
    later = found.behind(end)
    if later:
        faults.append((end + 1, f"log entry {end + 1} is missing, and later ones are there"))
        faults += [(seq, f"log entry {seq} lies behind the gap and cannot be checked") for seq in later]
    elif end < seen.seq:
        faults.append((end + 1, f"the log ends at entry {end}, but {seen.seq} were seen"))
    faults += [
        (seq, f"{checkpoints.key_of(seq)} lies after the end of the log")
        for seq in found.checkpoints
        if seq > end
    ]
    return state, faults


def _checkpoint(hub: Hub, state: HubState, tip: str) -> str:
    """Why the checkpoint that lies at `state.seq` is not used; empty where it is right or only outdated."""
    data = hub.store.get(checkpoints.key_of(state.seq), checkpoints.MAX)
    if data is None:
        return ""  # taken away meanwhile, as an old one may be
    try:
        checkpoint = checkpoints.parse(data, state.seq, state.group)
    except VerifyError as error:
        return error.what
    if checkpoint is None:
        return ""
    if not checkpoints.is_owner(state, checkpoint.signer):
        return "its signer is no owner"
    if checkpoint.tip != tip:
        return "the log holds another entry there"
    if checkpoint.state != state:
        return "it does not say what the log says"
    return ""


def _packs(hub: Hub, state: HubState, found: Listing) -> Iterator[Fault]:
    for first, last in found.packs:
        name = packs.key_of(first, last)
        try:
            entries, signer = open_pack(hub.store, first, last, state.group)
        except VerifyError as error:
            yield first, f"{name} is not used: {error.what}"
            continue
        key = state.keys.get(signer)
        if key is None or key.role != "owner":
            yield first, f"{name} is not used: its signer is no owner"
        elif last > state.seq:
            yield first, f"{name} lies after the end of the log"
        # both are there where compaction was cut off
        twice = [seq for seq in found.behind(first - 1) if seq <= last]
        for seq, data in zip(twice, listing.fetch(hub.store, twice), strict=True):
            if data not in (None, entries[seq - first]):
                yield seq, f"log entry {seq} is not the one that {name} holds"


def _objects(hub: Hub, state: HubState) -> Iterator[Fault]:
    for proposal in state.proposals.values():
        yield from _check(proposal.seq, f"proposal {proposal.id}", lambda p=proposal: _proposal(hub, p))  # type: ignore[misc]
    for skill in state.skills.values():
        for release in skill.releases:
            what = f"release {release.version[:16]} of {skill.name}"
            yield from _check(release.seq, what, lambda r=release: hub.get_bundle(r))  # type: ignore[misc]
            if release.sidecar is not None:
                yield from _check(
                    release.seq,
                    f"the sidecar of {what}",
                    lambda s=release.sidecar: record_in(hub.get_object(s), Sidecar),  # type: ignore[misc]
                )


def _check(seq: int, what: str, look: Callable[[], object]) -> Iterator[Fault]:
    try:
        look()
    except UpgradeNeededError:
        raise
    except SkillClawError as error:
        yield seq, f"{what}: {error.brief}"
    except UNREADABLE as error:
        yield seq, f"{what}: its record does not hold what it should ({error})"


def _proposal(hub: Hub, state: ProposalState) -> None:
    record = record_in(hub.get_object(state.object), Proposal)
    version = bundles.version(record.bundle) if record.bundle is not None else None
    if (record.id, record.skill, version) != (state.id, state.skill, state.version):
        raise ValueError("it is another proposal than the log says")
