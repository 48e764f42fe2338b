"""A group's hub on a folder, its evolver that sessions are sealed to, and machines that are its members."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atif_sessions import Ran, session, write
from cli import ok, ok_json

from skillclaw.hub import Hub, keys
from skillclaw.hub.sealed import Opened, get_session, list_sessions, open_sealed, private_key, sealing_public


@dataclass(frozen=True)
class Group:
    """The owner's machine, which is the evolver's too, and where the hub lies."""

    folder: Path
    owner: Path

    @classmethod
    def make(cls, place: Path, *, evolver: bool = True) -> Group:
        made = cls(folder=place / "group", owner=place / "owner")
        hub = made.hub
        if evolver:
            made.admit_evolver("evolver-1")
        assert hub.state().group
        return made

    @property
    def hub(self) -> Hub:
        return Hub.open_or_create(str(self.folder), self.owner / "keys", seen=self.owner / "hubs.json")

    @property
    def id(self) -> str:
        return self.hub.info.group

    def admit_evolver(self, name: str) -> None:
        """Make a signing and a sealing key, and have the owner admit them."""
        signing = keys.load_or_create(self.owner / name, self.id, "evolver")
        sealing = keys.load_or_create(self.owner / name, self.id, "sealing")
        body = {
            "public": keys.public_hex(signing),
            "role": "evolver",
            "name": name,
            "sealing": sealing_public(sealing),
        }
        self.hub.commit("key-add", body, role="owner")

    def admit(self, home: Path, name: str = "team") -> None:
        """Make `home`'s machine a member, and tell it where the hub lies."""
        key = keys.load_or_create(home / ".skillclaw" / "keys", self.id, "member")
        self.hub.commit(
            "key-add", {"public": keys.public_hex(key), "role": "member", "name": "m"}, role="owner"
        )
        ok("config", "set", f"hubs.{name}.url", str(self.folder), home=home)

    def objects(self) -> list[str]:
        """The names of the sealed sessions that lie there."""
        return list_sessions(self.hub)

    def opened(self, name: str, by: str = "evolver-1") -> Opened:
        """What the evolver reads of one."""
        data = get_session(self.hub, name)
        assert data is not None
        key = keys.load(self.owner / by, self.id, "sealing")
        assert key is not None
        return open_sealed(data, private_key(key), group=self.id, name=name)

    def read(self, name: str, by: str = "evolver-1") -> dict[str, Any]:
        """The session in it."""
        found: dict[str, Any] = json.loads(self.opened(name, by).body)
        return found


def imported(home: Path, *numbers: int, text: str = "run the tests", project: str = "till") -> list[str]:
    """Import sessions of the machine's own user; the ids, in the order of `numbers`."""
    made = []
    for number in numbers:
        one = session("", number, f"{text} {number}", [Ran("npm test", 0, "ok")], project=project)
        del one["extra"]["skillclaw"]["user"]
        one["session_id"] = f"native-{number}"
        made.append(one)
    home.mkdir(exist_ok=True)
    name = f"s{'-'.join(map(str, numbers))}.jsonl"
    ok("import", str(write(home / name, made)), home=home)
    rows = {row["native_id"]: row["id"] for row in ok_json("sessions", "list", home=home)}
    return [rows[f"native-{number}"] for number in numbers]
