"""More commands of the matrix of faults: what people run less often, what needs a file or a second home.

Not in it: what only a model answers (cases run, proposals replay, jobs run), what runs for long (`up`,
`serve`, `mcp`, `dashboard`, `run`, `hub push`), the benchmark's own folders, the keyring, `skills offer`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from broken_commands import COMMANDS, Command
from broken_home import World

__all__ = ["ALL"]

SKILL = "---\nname: {name}\ndescription: Use this to {name} things here.\n---\n\n# {name}\n\n1. Run `ls`.\n"
JOINED = ("hub", "join", "{invite}", "--url", "{home}/group", "--home", "{home}/second", "--as", "ben")
REVOKED = ("skills", "revoke", "{skill}")


def _edited(world: World) -> None:
    """The user changed an installed copy."""
    path = world.root / ".claude" / "skills" / world.skill / "SKILL.md"
    text = world.text + "- Run `npm ci --ignore-scripts` where scripts hang.\n"
    path.write_text(text, "utf-8")
    world.edits[path] = text


def _source(world: World) -> None:
    """A folder of another's skills."""
    made = world.root / "source" / "packer"
    made.mkdir(parents=True)
    (made / "SKILL.md").write_text(SKILL.format(name="packer"), "utf-8")


def _quarantined(world: World) -> None:
    """A copy that was moved away."""
    world.ok(*(part.format(skill=world.skill) for part in REVOKED))
    world.told["copy"] = world.ok_json("skills", "quarantine")[0]["id"]


def _requested(world: World) -> None:
    """Somebody asks for a role."""
    joined = (part.format(invite=world.invite, home=world.home) for part in JOINED)
    world.ok(*joined)
    second = ("--home", f"{world.home}/second", "--json")
    made = world.ok("hub", "key", "--role", "reviewer", "--name", "ben", *second)
    world.told["request"] = json.loads(made)["request"]


def _system(world: World) -> None:
    """A systemd that agrees to all."""
    program = world.root / "bin" / "systemctl"
    program.write_text("#!/bin/sh\nexit 0\n", "utf-8")
    program.chmod(0o755)


def _with(setup: Callable[[World], None], *args: str) -> Command:
    return Command(args, setup=setup)


MORE: dict[str, Command] = {
    "share deny": Command(
        ("share", "deny", "--hub", "team"), before=(("share", "allow", "--hub", "team", "--past"),)
    ),
    "sessions share": Command(("sessions", "share", "{session}", "--never")),
    "sessions preview": Command(("sessions", "preview", "{session}"), reads=True),
    "proposals reject": Command(("proposals", "reject", "{proposal}"), once=True),
    "skills unpin": Command(("skills", "unpin", "{skill}"), before=(("skills", "pin", "{skill}"),)),
    "skills rollback": Command(("skills", "rollback", "{skill}"), once=True),
    "skills archive": Command(("skills", "archive", "{skill}"), once=True),
    "skills install": Command(
        ("skills", "install", "--all"), before=(("skills", "uninstall", "--all"),), once=True
    ),
    "skills propose": replace(_with(_edited, "skills", "propose", "{skill}"), once=True),
    "skills restore": replace(_with(_quarantined, "skills", "restore", "{copy}"), once=True, frees=True),
    "skills export": Command(("skills", "export", "--git", "{home}/repository")),
    "skills candidates": Command(("skills", "candidates"), reads=True),
    "skills care": Command(("skills", "care"), reads=True),
    "learned": Command(("learned",), reads=True),
    "hub invite": Command(("hub", "invite", "--hub", "team")),
    "hub uninvite": Command(("hub", "uninvite", "{invite}"), once=True),
    "hub settings": Command(("hub", "settings", "policy", "strict", "--hub", "team")),
    "hub inbox": Command(("hub", "inbox"), before=(JOINED,)),
    "hub leave": Command(
        ("hub", "leave", "--yes", "--home", "{home}/second"), before=(JOINED, ("hub", "inbox")), once=True
    ),
    "hub rotate": Command(("hub", "rotate", "--hub", "team", "--role", "evolver")),
    "hub key": Command(("hub", "key", "--hub", "team", "--role", "reviewer")),
    "hub admit": replace(_with(_requested, "hub", "admit", "{request}", "--yes"), once=True),
    "hub revoke-key": Command(
        ("hub", "revoke-key", "ben", "--hub", "team", "--yes"), before=(JOINED, ("hub", "inbox")), once=True
    ),
    "hub import-skillclaw": _with(_source, "hub", "import-skillclaw", "{home}/source"),
    "service install": _with(_system, "service", "install"),
    "service remove": replace(
        _with(_system, "service", "remove"), before=(("service", "install"),), once=True, frees=True
    ),
    "uninstall": Command(("uninstall", "--yes"), before=(("connect", "claude-code"),), gone=True, once=True),
    "uninstall --keep-home": Command(
        ("uninstall", "--yes", "--keep-home"), before=(("connect", "claude-code"),), gone=True
    ),
}
ALL = COMMANDS | MORE
"""Every command of the matrix."""
