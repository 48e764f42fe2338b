"""A group in which people take versions away, and what others sign there meanwhile."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from hubs_at_hand import Hubs, bundle

from skillclaw.hub import Hub, keys
from skillclaw.skills.records import Action, Bundle, File, Proposal, Verdict

SCRIPT = File(path="scripts/run.sh", data=b"#!/bin/sh\nls\n", executable=True)
RISKY = "- Clean up: `rm -rf ~/data`\n- Run it."
BAD = bundle("deploy", RISKY, SCRIPT)
GOOD = bundle("deploy", "- Look.")


def group_of(place: Path, policy: str = "team") -> Hubs:
    """A group whose owner uses the machine, too."""
    hubs = Hubs(place)
    hubs.team.commit("settings", {"policy": policy}, role="owner")
    hubs.admit()
    key = Path(hubs.team.info.group) / "owner.key"
    shutil.copy(hubs.team.keys_folder / key, hubs.machine.home / "keys" / key)
    return hubs


def propose_as_evolver(hubs: Hubs, one: Bundle, id_: str, status: str = "held", **more: Any) -> None:
    known = hubs.team.state().skills.get(one.name)
    base = known.current if known is not None else None
    action: Action = more.pop("action", "refine" if base else "create")
    hubs.team.propose(
        Proposal(id=id_, action=action, skill=one.name, base=base, engine="x", why="", bundle=one, **more)
    )
    passed = status == "passed"
    verdict = Verdict(check="spec", verdict="pass" if passed else "hold", reason="Fine.")
    hubs.team.record_verdicts(id_, [verdict], status)


def release_raw(hub: Hub, id_: str) -> None:
    """A canary by the key of an evolver whose thief asks the log alone, and no command."""
    with mock.patch("skillclaw.hub.deciding._check_fresh"):
        hub.release(id_, stage="canary", role="evolver")


def release_as_evolver(hubs: Hubs, id_: str) -> None:
    release_raw(hubs.team, id_)
    hubs.team.promote("deploy", role="evolver")


def back_as_evolver(hubs: Hubs, to: str) -> None:
    body = {"skill": "deploy", "version": to, "base": hubs.team.state().skills["deploy"].current}
    hubs.team.commit("rollback", body, role="evolver")


def reviewer(hubs: Hubs) -> str:
    key = keys.load_or_create(hubs.team.keys_folder, hubs.team.info.group, "reviewer")
    public = keys.public_hex(key)
    hubs.team.commit("key-add", {"public": public, "role": "reviewer", "name": "rae"}, role="owner")
    return public


def texts(hubs: Hubs) -> set[str | None]:
    """What a machine has of it on the coming days, in one arm of a canary or the other."""
    found = set()
    for day in range(4):
        machine = hubs.fresh()
        machine.hubs.clock = lambda day=day: datetime.now(UTC) + timedelta(days=day)  # type: ignore[misc]
        hubs.sync(machine)
        found.add(hubs.text("deploy"))
    return found
