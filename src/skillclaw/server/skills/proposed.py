"""What became of a text that was proposed before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillclaw.server.machine import PERSONAL

if TYPE_CHECKING:
    from skillclaw.hub import Release
    from skillclaw.server.hubs.opened import Source

__all__ = ["proposed_before"]


def proposed_before(source: Source, name: str, version: str, again: Release | None) -> list[int]:
    """What a proposal's id depends on besides its text, so that one that comes back is another one: where the
    text was released (`again`, where that is known) how its story stands; and how often this member was, on
    one's own hub people were, turned down with it. Nothing where it was never proposed."""
    from skillclaw.hub import keys

    if source.state is None:
        return []
    skill = source.state.skills.get(name)
    again = again or (skill.release(version) if skill is not None else None)
    rejected = [
        one
        for one in source.state.proposals.values()
        if one.status == "rejected" and (one.skill, one.version) == (name, version)
    ]
    group = source.name != PERSONAL and source.hub is not None
    if group and source.hub is not None:
        own = f"m-{keys.public_hex(source.hub.own_key('member'))[:8]}-"
        rejected = [one for one in rejected if one.id.startswith(own)]
    if again is not None:
        return [again.story[-1].seq if again.story else again.seq, len(rejected)]
    return [len(rejected)] if group and rejected else []
