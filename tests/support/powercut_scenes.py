"""Commands whose power is cut, each in a world of its own (powercut_world.py)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cli import ok, ok_json
from powercut_world import SKILL, made, release, sessions_file

__all__ = ["SCENES", "Scene"]


@dataclass(frozen=True)
class Scene:
    """`ready` prepares the world in a folder and says the command; `who` gives it. `again`: what must succeed
    after the cut; None: the command itself. `held`: another process has the sessions open meanwhile. `daily`:
    part of `make e2e`."""

    name: str
    ready: Callable[[Path], list[str]]
    who: str = "ada"
    again: tuple[str, ...] | None = None
    states: int = 40
    held: bool = False
    daily: bool = False


def _import(place: Path) -> list[str]:
    home = made(place)
    return ["import", str(sessions_file(home / "more.jsonl", 100, 5))]


def _install(place: Path) -> list[str]:
    home = made(place)
    release(place, home)
    for path in [home / ".skillclaw" / "library.json", home / ".skillclaw" / "library.past.jsonl"]:
        path.unlink()
    for target in (".claude", ".agents"):
        shutil.rmtree(home / target / "skills" / SKILL)
    return ["sync"]


def _update(place: Path) -> list[str]:
    home = made(place)
    release(place, home)
    release(place, home, name="another", text="First text.")
    return ["sync"]


def _remove(place: Path) -> list[str]:
    home = made(place)
    ok("skills", "archive", SKILL, home=home)
    return ["sync"]


def _plain(*args: str) -> Callable[[Path], list[str]]:
    def ready(place: Path) -> list[str]:
        made(place)
        return list(args)

    return ready


def _connect(place: Path) -> list[str]:
    ok("config", "set", "proxy.port", "8787", home=made(place))
    return ["connect", "claude-code", "codex", "--yes"]


def _disconnect(place: Path) -> list[str]:
    home = made(place)
    ok("config", "set", "proxy.port", "8787", home=home)
    ok("connect", "claude-code", "codex", "--yes", home=home)
    return ["disconnect", "claude-code", "codex"]


def _evolve(place: Path) -> list[str]:
    home = made(place)
    ok("import", str(sessions_file(home / "more.jsonl", 100, 6)), home=home)
    return ["evolve"]


def _init(place: Path) -> list[str]:
    made(place)
    return ["hub", "init", str(place / "second"), "--name", "second", "--evolver", "--as", "ada"]


def _join(place: Path) -> list[str]:
    home = made(place)
    invite = ok_json("hub", "invite", "--hub", "team", home=home)["invite"]
    (place / "ben").mkdir()
    return ["hub", "join", invite]


def _forget(place: Path) -> list[str]:
    home = made(place)
    return ["sessions", "forget", ok_json("sessions", "list", home=home)[0]["id"], "--yes"]


def _backup(place: Path) -> list[str]:
    made(place)
    return ["backup", str(place / "kept.skillclaw")]


def _restore(place: Path) -> list[str]:
    home = made(place)
    ok("backup", str(place / "kept.skillclaw"), home=home)
    ok("import", str(sessions_file(home / "more.jsonl", 100, 2)), home=home)
    return ["restore", str(place / "kept.skillclaw"), "--over"]


SCENES = (
    Scene("import", _import),
    Scene("import while `up` runs", _import, held=True),
    Scene("sync installs", _install),
    Scene("sync updates", _update, states=8, daily=True),
    Scene("sync removes", _remove),
    Scene("skills uninstall", _plain("skills", "uninstall", "--all"), again=("sync",)),
    Scene("skills revoke", _plain("skills", "revoke", SKILL, "--why", "harmful"), again=("sync",)),
    Scene("connect", _connect),
    Scene("disconnect", _disconnect, again=("disconnect", "--all")),
    Scene("config set", _plain("config", "set", "journal.expire_days", "3")),
    Scene("evolve", _evolve),
    Scene("hub init", _init, states=8, daily=True),
    Scene("hub invite", _plain("hub", "invite", "--hub", "team")),
    Scene("hub join", _join, who="ben"),
    Scene("sessions forget", _forget, again=("sessions", "list")),
    Scene("sessions forget while `up` runs", _forget, again=("sessions", "list"), held=True),
    Scene("backup", _backup),
    Scene("restore --over", _restore),
)
