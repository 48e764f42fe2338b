"""What has hubs asked at once, and what `status` tells of how they answered (`<home>/run/hubs.json`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import UNREADABLE
from skillclaw.private import whole_file
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.library.records import HubSeen

__all__ = [
    "HubPoll",
    "network_mark",
    "note_polls",
    "read_polls",
    "wake",
    "woken",
]


class HubPoll(Record, frozen=True, kw_only=True, omit_defaults=False):
    """How a hub was last asked, in `status --json`. Times are UTC.

    last   when it last answered; next: when it is asked again (empty: no `up` runs)
    error  why it could not be read, empty where it could; failures: how often in a row
    seq    the last entry of its log that was read
    """

    hub: str
    last: str = ""
    next: str = ""
    error: str = ""
    failures: int = 0
    seq: int = 0

    def text(self) -> str:
        """One line for people."""
        told = f"answered last {self.last}" if self.last else "not reached yet"
        if self.next:
            told += f", next {self.next}"
        return f"Hub {self.hub}: {told}" + (f"; cannot be read now: {self.error}" if self.error else "")


def network_mark() -> str:
    """A text that changes when this machine's addresses do: a cable, a wireless network, a VPN."""
    import psutil

    try:
        found = psutil.net_if_addrs()
    except OSError:
        return ""
    return repr(sorted((name, sorted(str(one.address) for one in all_)) for name, all_ in found.items()))


def wake(home: Path) -> None:
    """Have a running `up` ask its hubs at once."""
    with suppress(OSError):
        (home / "run" / "wake").touch(mode=0o600)


def woken(home: Path) -> bool:
    """True once, when somebody called `wake`."""
    path = home / "run" / "wake"
    if not path.exists():
        return False
    path.unlink(missing_ok=True)
    return True


def read_polls(home: Path) -> dict[str, HubPoll]:
    """What was noted of each hub; nothing where that cannot be read, for it is only told to people."""
    try:
        return msgspec.json.decode((home / "run" / "hubs.json").read_bytes(), type=dict[str, HubPoll])
    except (OSError, *UNREADABLE):
        return {}


def note_polls(
    home: Path, names: Iterable[str], asked: Iterable[HubSeen], waits: Mapping[str, tuple[int, float]]
) -> None:
    """Note for `status` how hubs answered. `waits`: failures in a row and seconds until the next time, of
    those that this process will ask again. Hubs that are not among `names` any more are forgotten.
    """
    known = read_polls(home)
    now = datetime.now(UTC)
    for one in asked:
        before = known.get(one.hub, HubPoll(hub=one.hub))
        failures, wait = waits.get(one.hub, (before.failures + 1 if one.error else 0, None))
        known[one.hub] = HubPoll(
            hub=one.hub,
            last=before.last if one.error else _text(now),
            next=before.next if wait is None else _text(now + timedelta(seconds=wait)),
            error=one.error,
            failures=failures,
            seq=before.seq if one.error else one.seq,
        )
    wanted = list(names)
    kept = {name: known[name] for name in wanted if name in known}
    with suppress(OSError), whole_file(home / "run" / "hubs.json") as file:
        file.write(msgspec.json.encode(kept))


def _text(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
