"""Several machines that do something to one hub at the same moment, and what became of it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from hub_logs import opened

from skillclaw.errors import SkillClawError
from skillclaw.hub import Hub, keys

Deed = Callable[[Hub], object]


def machines(place: Path, count: int, url: str = "") -> list[Hub]:
    """The owner's machine, which has a reviewer's key too, and copies of it without the owner's key, which
    speak for people as the reviewer. Each reads and writes for itself."""
    first = _opened(place, "me", url)
    first.state()
    reviewer = keys.load_or_create(place / "me" / "keys", first.info.group, "reviewer")
    if keys.public_hex(reviewer) not in first.state().keys:
        body = {"public": keys.public_hex(reviewer), "role": "reviewer", "name": "rev"}
        first.commit("key-add", body, role="owner")
    found = [first]
    for n in range(1, count):
        home = place / f"me {n}"
        shutil.copytree(place / "me", home, dirs_exist_ok=True)
        (home / "keys" / first.info.group / "owner.key").unlink()
        found.append(_opened(place, f"me {n}", url))
    return found


def _opened(place: Path, user: str, url: str) -> Hub:
    """The hub in the folder of `place`, or at `url`."""
    home = place / user
    return Hub.open_or_create(url, home / "keys", home / "hubs.json") if url else opened(place, user)


def at_once(hubs: Sequence[Hub], deeds: Sequence[Deed]) -> list[SkillClawError | None]:
    """What each deed raised; another error than one that a user can understand is raised here."""
    gate = threading.Barrier(len(deeds))
    found: list[BaseException | None] = [None] * len(deeds)

    def do(n: int) -> None:
        try:
            hubs[n].state()
            gate.wait(30)
            deeds[n](hubs[n])
        except BaseException as error:
            found[n] = error

    threads = [threading.Thread(target=do, args=(n,)) for n in range(len(deeds))]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    told: list[SkillClawError | None] = []
    for error in found:
        if error is not None and not isinstance(error, SkillClawError):
            raise error
        told.append(error)
    return told
