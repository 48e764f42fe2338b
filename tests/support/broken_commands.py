"""The commands of the matrix of faults, each with what it needs before and what holds behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from broken_home import SETTINGS, World
from broken_skills import STAGE, halves, released

__all__ = ["COMMANDS", "Command", "is_whole", "ran_clearly", "undone", "well"]


@dataclass(frozen=True)
class Command:
    """`setup`, then `before` run on a good disk. `once`: done again after it went through, it may refuse.
    `gone`: behind it SkillClaw is taken out. `frees`: it needs no room."""

    args: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    once: bool = False
    reads: bool = False
    gone: bool = False
    frees: bool = False
    setup: Callable[[World], None] | None = None

    def given(self, world: World) -> list[str]:
        """The arguments on this home."""
        return [_filled(part, world) for part in self.args]

    def prepare(self, world: World) -> None:
        """What stands before it."""
        if self.setup is not None:
            self.setup(world)
        for one in self.before:
            world.ok(*(_filled(part, world) for part in one))

    def around(self, world: World) -> dict[str, str]:
        """Its own environment."""
        return {name: _filled(value, world) for name, value in self.environ.items()}


def _filled(text: str, world: World) -> str:
    return text.format(
        home=world.home,
        session=world.session,
        proposal=world.proposal,
        invite=world.invite,
        skill=world.skill,
        **world.told,
    )


COMMANDS: dict[str, Command] = {
    "import": Command(("import", "{home}/more.jsonl")),
    "evolve": Command(
        ("evolve",), before=(("config", "set", "gate.policy", "solo"), ("import", "{home}/more.jsonl"))
    ),
    "sync": Command(("sync",), environ={"SKILLCLAW_SYNC__TARGETS": '["{home}/target"]'}),
    "connect": Command(("connect", "claude-code")),
    "disconnect": Command(("disconnect", "claude-code"), before=(("connect", "claude-code"),)),
    "config set": Command(("config", "set", "proxy.port", "9123")),
    "hub init": Command(("hub", "init", "{home}/group2", "--name", "two", "--evolver"), once=True),
    "hub join": Command(
        ("hub", "join", "{invite}", "--url", "{home}/group", "--home", "{home}/second"), once=True
    ),
    "share allow": Command(("share", "allow", "--hub", "team", "--past")),
    "share send": Command(("share", "send"), before=(("share", "allow", "--hub", "team", "--past"),)),
    "sessions forget": Command(("sessions", "forget", "{session}", "--yes"), once=True),
    "sessions export": Command(("sessions", "export", "-o", "{home}/out.jsonl")),
    "proposals approve": Command(("proposals", "approve", "{proposal}"), once=True),
    "skills pin": Command(("skills", "pin", "{skill}")),
    "skills revoke": Command(("skills", "revoke", "{skill}"), once=True),
    "skills uninstall": Command(("skills", "uninstall", "--all"), once=True),
    "feedback": Command(("feedback", "{session}", "good")),
    "backup": Command(("backup", "{home}/file.backup"), once=True),
    "restore": Command(
        ("restore", "{home}/kept.backup", "--over"), before=(("backup", "{home}/kept.backup"),)
    ),
    "serve": Command(("serve", "--once")),
    "status": Command(("status",), reads=True),
    "doctor": Command(("doctor", "--deep"), reads=True),
    "first import": Command(("import", "{home}/more.jsonl", "--home", "{home}/fresh")),
}
_LOG = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")


def ran_clearly(code: int, out: str, err: str) -> None:
    """It went through, or says in three lines what happened, why, and what to do."""
    assert code in (0, 1), (code, out, err)
    assert "Traceback" not in out + err, err
    assert "did not expect" not in err, err
    lines = [line for line in err.strip().splitlines() if not _LOG.match(line)]
    if code and not out:
        assert lines and lines[0].startswith("error: "), err
        assert 2 <= len(lines) <= 3, err


def well(world: World, releases: Collection[tuple[str, str]] = ()) -> None:
    """Nothing of the user's was lost or changed, nothing stands half, and both hubs hold. `releases`: those
    of before, beside the ones that the hubs have now."""
    root = world.root
    assert (root / ".claude" / "skills" / "own" / "SKILL.md").read_text("utf-8") == "my own\n"
    world.ok("disconnect", "claude-code")
    assert (root / ".claude" / "settings.json").read_text("utf-8") == SETTINGS
    world.ok("hub", "verify")
    world.ok("hub", "verify", "--hub", "team")
    world.ok("sync")  # brings to its end what was begun, as `up` does within a minute
    states = {row["state"] for row in world.ok_json("skills", "edit-status")}
    fine = {"installed", "outdated", "shadowed", "uninstalled"}
    assert states <= (fine | {"edited"} if world.edits else fine), states
    for path, edit in world.edits.items():
        assert path.read_text("utf-8") == edit, path
    assert not (half := halves(root, {*releases, *released(root)}, world.edits)), half
    left = [
        path
        for path in root.rglob("*")
        if path.name.endswith((".new", ".part"))
        or ".restoring-" in path.name
        or "#" in path.name
        or path.name.startswith(STAGE)
    ]
    assert not left, left
    deep = json.loads(world.run("doctor", "--deep", "--json").stdout)
    wrong = [one for one in deep["checks"] if one["level"] == "fail" and one["subject"] != "port"]
    assert not wrong, wrong  # another program may have the port


def is_whole(settings: bytes) -> bool:
    """Whether a settings file of the agent is one, with what the user has in it."""
    try:
        found = json.loads(settings)
    except ValueError:
        return False
    return isinstance(found, dict) and found.items() >= {"model": "opus"}.items() and "A" in found["env"]


def undone(world: World) -> None:
    """SkillClaw is out of the agent's settings and skills, which are the user's as before."""
    root = world.root
    assert (root / ".claude" / "settings.json").read_text("utf-8") == SETTINGS
    assert [skill.name for skill in (root / ".claude" / "skills").iterdir()] == ["own"]
    assert (root / ".claude" / "skills" / "own" / "SKILL.md").read_text("utf-8") == "my own\n"
    assert not (root / ".agents" / "skills" / world.skill).exists()
