"""The small files of the home that are read back, with any bytes in them: a disk's fault, or somebody's hand.

The first byte chooses the file; the second, whether what it held is harmed deep inside or replaced by bytes.
What matters is told as a SkillClawError that says what to do; what can be made again counts as not there.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from fuzz_histories import scratch
from fuzz_made import Drawn, dumped, example

from skillclaw.agents import connections, tokens
from skillclaw.agents.records import Connection
from skillclaw.errors import SkillClawError
from skillclaw.evolve import counts, undecided
from skillclaw.evolve.models import daybook
from skillclaw.formats import carried
from skillclaw.hub import keys, seen
from skillclaw.journal import grants, unread
from skillclaw.journal.identity import Identity
from skillclaw.library import book, past, quarantine
from skillclaw.library.records import LibraryState, Quarantined
from skillclaw.log_format import as_text
from skillclaw.proxy import ProxyConfig, read_config
from skillclaw.proxy.facts import UpFacts, read_facts
from skillclaw.server import door
from skillclaw.server.deep.running import logs
from skillclaw.server.groups import receipts
from skillclaw.server.groups import tombstones as group_tombstones
from skillclaw.server.hubs import polling
from skillclaw.server.serving.history import CycleLine, History
from skillclaw.server.setup import consent, launch_agent, wishes
from skillclaw.server.up import runfile
from skillclaw.server.votes import book as vote_book
from skillclaw.settings import load
from skillclaw.web.site.login import Logins, base_path

ALLOWED = (SkillClawError,)
HEX = "0" * 64
CYCLE = "20260301T100000-00000000"


class File:
    """A file: what stands there, and all that reads it. `form` gives its bytes."""

    def __init__(self, path: str, held: Any, *read: Callable[[Path], object], form: Any = dumped) -> None:
        self.path, self.held, self.read, self.form = path, held, read, form


def _lines(held: Any) -> bytes:
    return b"\n".join(map(dumped, held)) if isinstance(held, list) else dumped(held)


def _plain(held: Any) -> bytes:
    return held if isinstance(held, bytes) else str(held).encode("utf-8", "surrogateescape")


def _logins(home: Path) -> None:
    made = Logins(home, 1.0)
    for name in ("links", "browsers"):
        folder = home / "dashboard" / name
        folder.mkdir(exist_ok=True)
        (folder / hashlib.sha256(b"x").hexdigest()).write_bytes((home / "dashboard/given").read_bytes())
    made.browser("x")
    made.enter("x")


def _cycles(home: Path) -> None:
    known = History(home)
    known.paused("h")
    known.cycles(HEX)
    known.report(CYCLE)
    known.withdrawn(HEX, 1)


def _quarantined(home: Path) -> None:
    (home / "quarantine/a").mkdir(exist_ok=True)
    quarantine.held(home)


def _told(home: Path) -> None:
    machine: Any = SimpleNamespace(home=home)
    assert all(isinstance(key, str) for key in group_tombstones._told(machine, "g"))


def _receipts(home: Path) -> None:
    kept = _text(home / "mark")
    marks: Any = SimpleNamespace(marks=lambda _: ["o"], get_mark=lambda _: kept)
    found = receipts.Receipts(marks, "g", b"k" * 32)
    found.commitment("s")
    found.opening("s", "0" * 64)


def _key(home: Path) -> None:
    keys.with_earlier(home / "keys", "g", "member")


NOW = time.time()
FILES = [
    File("consent.json", {"v": 1, "agreed": True, "only": ["a"]}, consent.agreed, consent.followed),
    File("wanted.json", example(wishes.Wishes), wishes.wishes, wishes.needs_proxy),
    File("run/dashboard.json", example(door.DoorNote), door.read_door),
    File("run/up.json", example(runfile.Running), runfile.read_running),
    File("run/hubs.json", example(dict[str, polling.HubPoll]), polling.read_polls),
    File("votes/book.json", example(list[vote_book.Tried]), vote_book.load_book),
    File("identity.json", example(Identity), Identity.load_or_create),
    File("sharing.json", example(grants.Grants), grants.load_grants),
    File("tokens.json", {"codex": "skillclaw-x"}, tokens.known_tokens),
    File(
        "connections.json",
        {"v": 1, "agents": {"codex": example(Connection)}},
        connections.connected,
        connections.connected_upstreams,
        lambda home: connections.connection(home, "codex"),
    ),
    File("canaries.json", {"a@b": example(undecided.SoFar)}, lambda home: undecided.so_far(home, "a", "b")),
    File("counts.json", {"p": [1, 2]}, lambda home: counts.latest(home, [])),
    File("model-spending.json", {"d": example(daybook.Sums)}, lambda home: daybook.of_day(home, "d")),
    File("library.json", example(LibraryState), book.load),
    File("quarantine/a.json", example(Quarantined), _quarantined),
    File("library.past.jsonl", [example(past.Lay)] * 3, past.past, form=_lines),
    File("hubs.json", example(seen.Seen), lambda home: seen.load_seen(home / "hubs.json")),
    File("hubs/g.state.json", example(seen.StoredFold), lambda home: seen.load_fold(home / "hubs", "g")),
    File("run/proxy.json", example(ProxyConfig), lambda home: read_config(home / "run/proxy.json")),
    File("dashboard/given", {"made": NOW, "seen": NOW, "read_only": False}, _logins),
    File("dashboard/base", b"0123456789abcdef", base_path, form=_plain),
    File("serve/paused.json", ["h"], _cycles),
    File(f"serve/cycles/{HEX}/{CYCLE}.json", {**example(CycleLine), "id": CYCLE, "group": HEX}, _cycles),
    File(f"serve/cycles/{HEX}/withdrawn", b"12", _cycles, form=_plain),
    File(f"serve/reports/{CYCLE}.json", {"x": 1}, _cycles),
    File(
        "mark", {"unread": [example(unread.UnreadCount)]}, lambda home: unread.counts_in(_text(home / "mark"))
    ),
    File(
        "config.toml",
        b'[share]\ndefault = "off"\n[agents.codex]\nupstream = "http://h:1"\n[hubs.a]\nurl = "file:///x"\n',
        lambda home: load(home, {}),
        form=_plain,
    ),
    File("run/facts.json", example(UpFacts), lambda home: read_facts(home, example(UpFacts)["pid"])),
    File(
        "logs/up.log",
        {"time": "t", "level": "info", "event": "e", "places": "p", "hub": ["h"]},
        lambda home: [as_text(line) for line in _text(home / "logs/up.log").splitlines()],
        logs,
    ),
    File("keys/g/member.key", HEX.encode(), _key, form=_plain),
    File("keys/g/member.old-0.key", HEX.encode(), _key, form=_plain),
    File(
        f"keys/g/{HEX[:16]}.sent",
        b"12",
        lambda home: keys.counted(home / "keys", "g", HEX),
        form=_plain,
    ),
    File("hubs/g.told.json", ["k"], _told),
    File("mark", example(receipts.Receipt), _receipts),
    File(
        "agent.plist",
        launch_agent.agent_text(["/bin/a", "/h"], {"A": "b"}, Path("/l")),
        lambda home: launch_agent.serves(home / "agent.plist", Path("/h")),
        form=_plain,
    ),
]


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def once(data: bytes) -> None:
    """One file of a home."""
    drawn = Drawn(data)
    file = drawn.pick(FILES)
    home = scratch() / "skillclaw"
    shutil.rmtree(home, ignore_errors=True)
    path = home / file.path
    path.parent.mkdir(parents=True)
    kind = drawn.below(3)
    if kind == 0:
        made = drawn.rest()
    elif isinstance(file.held, bytes):
        made = drawn.torn(file.held)
    else:
        made = file.form(drawn.harmed(file.held))
        made = drawn.torn(made) if kind == 2 else made
    path.write_bytes(made)
    for read in file.read:
        try:
            got = read(home)
            if isinstance(got, msgspec.Struct):
                carried(got, made)  # as it is done where it is written again
        except SkillClawError as error:
            assert error.what and len(str(error).splitlines()) <= 4, str(error)
