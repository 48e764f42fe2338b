"""Which agents the user wants SkillClaw to work with: through the proxy, or by their histories alone.

`<home>/wanted.json`, 0600. A list, as earlier versions wrote it, names agents that go through the proxy.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from skillclaw.agents.connections import alone
from skillclaw.agents.edits import write_atomic
from skillclaw.errors import UNREADABLE, BadInputError
from skillclaw.formats import carried, stop_at_newer
from skillclaw.trajectory.model import Record

__all__ = ["FORMAT", "Wishes", "drop", "needs_proxy", "revert", "want", "wishes"]


FORMAT = 1


class Wishes(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Agents by name, sorted: `proxy` are connected whenever `up` runs, `history` are only read."""

    v: int = FORMAT
    proxy: list[str] = []
    history: list[str] = []


def wishes(home: Path) -> Wishes:
    """What the user wants; BadInputError when the file cannot be read."""
    path = home / "wanted.json"
    try:
        raw = path.read_bytes()
        if raw.lstrip().startswith(b"["):
            return Wishes(proxy=msgspec.json.decode(raw, type=list[str]))
        stop_at_newer(raw, str(path), FORMAT)
        return msgspec.json.decode(raw, type=Wishes)
    except FileNotFoundError:
        return Wishes()
    except (OSError, *UNREADABLE) as error:
        todo = "Delete it, then connect the agents again."
        raise BadInputError(f"Cannot read {path}.", str(error), todo) from error


def want(home: Path, names: Iterable[str], *, history_only: bool = False) -> None:
    """Remember that the user wants these agents, in one way instead of the other."""
    with alone(home):
        now, new = wishes(home), set(names)
        proxy, history = set(now.proxy) - new, set(now.history) - new
        _store(home, proxy if history_only else proxy | new, history | new if history_only else history)


def drop(home: Path, names: Iterable[str]) -> None:
    """Remember that the user wants these agents no longer."""
    revert(home, names, Wishes())


def revert(home: Path, names: Iterable[str], before: Wishes) -> None:
    """Want these agents as they were wanted before."""
    with alone(home):
        now, gone = wishes(home), set(names)
        made = [
            (set(new) - gone) | (set(old) & gone)
            for new, old in ((now.proxy, before.proxy), (now.history, before.history))
        ]
        if [sorted(part) for part in made] != [now.proxy, now.history]:
            _store(home, *made)


def needs_proxy(home: Path) -> bool:
    """Whether `up` starts the proxy: always, but for people who said that they want histories alone."""
    now = wishes(home)
    return bool(now.proxy) or not now.history


def _store(home: Path, proxy: set[str], history: set[str]) -> None:
    made = Wishes(proxy=sorted(proxy), history=sorted(history))
    path = home / "wanted.json"
    before = path.read_bytes() if path.exists() else None
    write_atomic(path, msgspec.json.encode(carried(made, before)))
