"""A machine to cut the power of: a home with all that has a format, agents with settings, a group's hub; and
what must hold of it whatever was lost.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from atif_sessions import Ran, session, write
from cli import ok, ok_json, skillclaw
from hubs_at_hand import bundle
from kept_homes import unpacked

from skillclaw.hub import Hub
from skillclaw.skills.records import File

__all__ = ["CLAUDE", "CODEX", "SKILL", "Facts", "facts", "made", "problems", "release", "sessions_file"]

SKILL = "run-tests-till"
CLAUDE = b'{\n  // of the user\n  "model": "opus",\n  "env": {"EDITOR": "vi"}\n}\n'.replace(
    b"  // of the user\n", b""
)
CODEX = b'# of the user\nmodel = "gpt-5"\n\n[tui]\nnotifications = true\n'
OWN = b"---\nname: mine\ndescription: The user's own skill.\n---\nMine.\n"
TARGETS = (".claude/skills", ".agents/skills")
SETTINGS = (".claude/settings.json", ".codex/config.toml")
KEPT = "v0.1"


def made(place: Path) -> Path:
    """The world in `place`: `ada` (the user's home) and `group`; what a version does first is done."""
    home = unpacked(KEPT, place)
    (home / ".codex").mkdir()
    (home / SETTINGS[0]).write_bytes(CLAUDE)
    (home / SETTINGS[1]).write_bytes(CODEX)
    (home / "notes.txt").write_bytes(b"of the user")
    for target in TARGETS:
        (home / target / "mine").mkdir(parents=True)
        (home / target / "mine" / "SKILL.md").write_bytes(OWN)
    ok("config", "set", "proxy.port", "0", home=home)
    ok("sync", home=home)
    ok("sessions", "list", home=home)
    return home


def sessions_file(path: Path, first: int, count: int, text: str = "run the tests") -> Path:
    """A file with sessions to import, `native-<number>`, in which one thing is learned."""
    found = []
    for number in range(first, first + count):
        ran = [Ran("make check", 2, "error: no such target: check"), Ran("make verify", 0, "all well")]
        one = session("", number, f"{text} {number}", ran, project="shop")
        del one["extra"]["skillclaw"]["user"]
        one["session_id"] = f"native-{number}"
        found.append(one)
    return write(path, found)


def release(place: Path, home: Path, *, name: str = SKILL, text: str = "Second text.", hub: str = "") -> None:
    """Release a version of a skill on the personal hub, or the one in the folder `hub`, as its owner."""
    own = home / ".skillclaw"
    opened = Hub.open(str(place / hub if hub else own / "hub"), own / "keys", own / "hubs.json")
    more = [File(path=f"references/{n}.md", data=f"{text} {n}\n".encode() * 400) for n in range(2)]
    one = bundle(name, text, *more)
    version, stored = opened.put_bundle(one)
    known = opened.state().skills.get(name)
    body = {"skill": name, "version": version, "base": known.current if known else None, "object": stored}
    opened.commit("release", {**body, "stage": "stable"}, role="owner")


@dataclass(frozen=True)
class Facts:
    """What there is: keys and identity, settings of agents, other files of the user, skills by their folder,
    what every hub in the world keeps (entries of its log, objects), ids of sessions, SkillClaw's settings."""

    keys: dict[str, bytes]
    settings: dict[str, bytes]
    files: dict[str, bytes]
    skills: dict[str, dict[str, bytes]]
    hubs: dict[str, bytes]
    sessions: set[str] = field(default_factory=set)
    config: Any = None


def facts(home: Path) -> Facts:
    """The facts of the user's home `home`; OSError or AssertionError where a command cannot tell."""
    own = home / ".skillclaw"
    on_disk = _on_disk(home)
    if not own.exists():
        return replace(on_disk, config=ok_json("config", "show", home=home))
    listed = ok_json("sessions", "list", home=home)
    with closing(sqlite3.connect(own / "sessions.db")) as db:
        assert db.execute("PRAGMA quick_check").fetchall() == [("ok",)], "sessions.db is damaged"
    verified = ok_json("hub", "verify", "--all", home=home)["hubs"]
    wrong = [problem for row in verified for problem in row["problems"]]
    assert not wrong, f"the log: {wrong}"
    return replace(
        on_disk, sessions={row["id"] for row in listed}, config=ok_json("config", "show", home=home)
    )


def _on_disk(home: Path) -> Facts:
    own = home / ".skillclaw"
    secret = [own / "identity.json", *(own / "keys").rglob("*.key")]
    return Facts(
        keys=_read(home, secret),
        settings=_read(home, [home / name for name in SETTINGS]),
        files=_read(home, [home / "notes.txt", *(home / t / "mine" / "SKILL.md" for t in TARGETS)]),
        skills={
            f"{target}/{folder.name}": {
                str(path.relative_to(folder)): path.read_bytes()
                for path in folder.rglob("*")
                if path.is_file()
            }
            for target in TARGETS
            if (home / target).exists()
            for folder in (home / target).iterdir()
            if not folder.name.startswith(".skillclaw-tmp-")
        },
        hubs=_read(home.parent, _kept_by_hubs(home.parent)),
    )


def _kept_by_hubs(place: Path) -> Iterator[Path]:
    """The files that no hub may lose. `hub verify` alone would not do: a log without its last entry holds
    where the machine forgot that it saw that entry."""
    for head in [*place.glob("*/hub.json"), *place.glob("*/.skillclaw/hub/hub.json")]:
        folder = head.parent
        yield head
        yield from (path for path in folder.glob("log/*.json") if path.stem.isdigit())
        yield from (path for path in folder.glob("objects/*") if len(path.name) == 64)


def _read(home: Path, paths: Iterable[Path]) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in paths if path.is_file()}


def problems(home: Path, before: Facts, after: Facts, *, over: bool) -> list[str]:
    """What is wrong with the disk as a cut left it: everything is as before or as after the command, whole;
    as after it where the command was `over`. Only files are looked at, and then what the commands say.
    """
    found = []
    disk = _on_disk(home)
    for what in ("keys", "settings", "files", "skills", "hubs"):
        now, old, new = (getattr(one, what) for one in (disk, before, after))
        for name in sorted(old.keys() | new.keys() | now.keys()):
            allowed = [new.get(name)] if over else [old.get(name), new.get(name)]
            # a move in two steps may have nothing at the place between them: the next sync brings it
            between = what == "skills" and not over and name in old and name in new and now.get(name) is None
            if now.get(name) not in allowed and not between:
                found.append(f"{what}: {name} is {_told(now.get(name))}")
    try:
        said = facts(home)
    except (AssertionError, OSError, ValueError, sqlite3.Error) as error:
        return [*found, f"cannot be read: {str(error)[-400:]}"]
    if not before.sessions & after.sessions <= said.sessions <= before.sessions | after.sessions:
        found.append(f"sessions: {len(before.sessions & after.sessions - said.sessions)} lost")
    if over and said.sessions != after.sessions:
        found.append(f"sessions: {len(after.sessions ^ said.sessions)} others than after the command")
    if said.config not in ([after.config] if over else [before.config, after.config]):
        found.append("settings are neither old nor new")
    return found


def _told(value: object) -> str:
    if value is None:
        return "gone"
    if isinstance(value, dict):
        return f"neither old nor new: { {name: len(data) for name, data in value.items()} }"
    return f"neither old nor new: {str(value)[:60]}"


def again(home: Path, *args: str) -> list[str]:
    """The command once more, after the cut: it must come to its end."""
    done = skillclaw(*args, home=home)
    if done.returncode == 0 and "Traceback" not in done.stderr:
        return []
    if done.returncode == 2 and "already" in done.stderr:  # it was done before the cut
        return []
    return [f"{' '.join(args)} again: {done.returncode} {done.stdout[-200:]} {done.stderr[-300:]}"]


def said(text: str) -> Any:
    """The JSON that a command printed."""
    return json.loads(text)
