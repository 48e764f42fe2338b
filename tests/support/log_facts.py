"""What a hub's log comes to, without order, times and numbers, so that two ways to it can be compared."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from skillclaw.hub import Hub, log

__all__ = ["content", "counted", "doubles"]


def counted(hub: Hub) -> list[tuple[str, dict[str, Any]]]:
    """The entries that count, in order: kind and body."""
    state, found = log.initial(hub.info), []
    for name in hub.store.list("log"):
        data = hub.store.get(name, log.MAX_COMMIT)
        assert data is not None
        if not log.why_void(state, data):
            raw = msgspec.json.decode(data)
            found.append((raw["kind"], raw["body"]))
        state = log.fold(state, data)
    return found


def doubles(hub: Hub) -> list[str]:
    """What is in the log more than once and should not be; entries that do not count, too."""
    once: Counter[str] = Counter()
    for kind, body in counted(hub):
        if kind == "proposal":
            once[f"proposal {body['id']}"] += 1
        elif kind in ("release", "archive"):
            once[f"{kind} of {body['proposal']}"] += 1
            once[f"version {body['skill']} {body.get('version')} after {body['base']}"] += 1
    found = [f"{what}: {count}" for what, count in sorted(once.items()) if count > 1]
    void = hub.state().void
    return found + ([f"void entries: {void}"] if void else [])


def content(hub: Hub) -> dict[str, Any]:
    """Skills with their versions, proposals with what became of them and why."""
    state = hub.state()
    return {
        "skills": {
            name: {
                "current": skill.current,
                "releases": sorted((one.version, one.base or "", one.stage) for one in skill.releases),
            }
            for name, skill in sorted(state.skills.items())
        },
        "proposals": {
            one.id: {
                "skill": one.skill,
                "action": one.action,
                "version": one.version,
                "status": one.status,
                "verdicts": sorted((v.check, v.verdict) for v in one.verdicts),
            }
            for one in sorted(state.proposals.values(), key=lambda one: one.id)
        },
        "settings": dict(state.settings),
        "withdrawn": {member: sorted(known) for member, known in state.withdrawn.items()},
    }
