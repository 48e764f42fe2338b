"""`hub verify`: the whole log and every object that it names, checked from the start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import SkillClawError, UpgradeNeededError
from skillclaw.hub import log
from skillclaw.hub.records import HubState, ProposalState
from skillclaw.skills import bundle as bundles
from skillclaw.skills.records import Proposal, Sidecar

if TYPE_CHECKING:
    from skillclaw.hub.hub import Hub
    from skillclaw.hub.seen import SeenGroup

__all__ = ["problems"]


def problems(hub: Hub, seen: SeenGroup) -> list[str]:
    """What does not hold, one line each; empty where everything does."""
    state = log.initial(hub.info)
    found: list[str] = []
    while (data := hub.store.get(log.key_of(state.seq + 1), log.MAX_COMMIT)) is not None:
        reason = log.why_void(state, data)
        state = log.fold(state, data)
        if reason:
            found.append(f"log entry {state.seq} is void: {reason}")
        if state.seq == seen.seq and log.digest(data) != seen.tip:
            found.append(f"log entry {state.seq} is not the one that this machine has seen")
    if state.seq < seen.seq:
        found.append(f"the log ends at entry {state.seq}, but {seen.seq} were seen")
    last = log.key_of(state.seq)
    found += [f"{key} lies after the end of the log" for key in hub.store.list("log") if key > last]
    return found + list(_objects(hub, state))


def _objects(hub: Hub, state: HubState) -> Iterator[str]:
    for proposal in state.proposals.values():
        yield from _check(f"proposal {proposal.id}", lambda p=proposal: _proposal(hub, p))  # type: ignore[misc]
    for skill in state.skills.values():
        for release in skill.releases:
            what = f"release {release.version[:16]} of {skill.name}"
            yield from _check(what, lambda r=release: hub.get_bundle(r))  # type: ignore[misc]
            if release.sidecar is not None:
                yield from _check(
                    f"the sidecar of {what}",
                    lambda s=release.sidecar: msgspec.json.decode(hub.get_object(s), type=Sidecar),  # type: ignore[misc]
                )


def _check(what: str, look: Callable[[], object]) -> Iterator[str]:
    try:
        look()
    except UpgradeNeededError:
        raise
    except SkillClawError as error:
        yield f"{what}: {' '.join(part for part in (error.what, error.why) if part)}"
    except (msgspec.MsgspecError, ValueError) as error:
        yield f"{what}: its record does not hold what it should ({error})"


def _proposal(hub: Hub, state: ProposalState) -> None:
    record = msgspec.json.decode(hub.get_object(state.object), type=Proposal)
    version = bundles.version(record.bundle) if record.bundle is not None else None
    if (record.id, record.skill, version) != (state.id, state.skill, state.version):
        raise ValueError("it is another proposal than the log says")
