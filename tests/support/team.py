"""A group on a folder, its machines as homes beside each other, and their commands in this process."""

from __future__ import annotations

import io
import json
import os
import warnings
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from skillclaw.hub import Hub, HubState
from skillclaw.server.machine import Machine


@cache
def tree() -> Any:
    """The commands. A library of Typer's warns of its own future."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from skillclaw.cli.app import build

        return build()


def home(place: Path, who: str) -> Path:
    """SkillClaw's folder of one machine."""
    return place / who / ".skillclaw"


def sc(place: Path, who: str, *args: str) -> Any:
    """What `skillclaw ARGS --json` prints on the machine of `who`; a failure is raised."""
    (place / who).mkdir(exist_ok=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SKILLCLAW_")}
    own = {"HOME": str(place / who), "USERPROFILE": str(place / who), "SKILLCLAW_HOME": str(home(place, who))}
    out = io.StringIO()
    made = tree()
    with patch.dict(os.environ, kept | own, clear=True), redirect_stdout(out):
        made([*args, "--json"], standalone_mode=False)
    return json.loads(out.getvalue()) if out.getvalue() else None


def printed(place: Path, who: str, *args: str) -> str:
    """What people see of `skillclaw ARGS` on the machine of `who`."""
    out = io.StringIO()
    own = {"HOME": str(place / who), "SKILLCLAW_HOME": str(home(place, who))}
    with patch.dict(os.environ, own), redirect_stdout(out), redirect_stderr(out):
        tree()(list(args), standalone_mode=False)
    return out.getvalue()


def found(place: Path, *more: str) -> Path:
    """Ada's group in the folder `group`, whose evolver is her machine; every machine calls the hub `team`."""
    sc(place, "ada", "hub", "init", str(place / "group"), "--name", "team", "--evolver", "--as", "ada", *more)
    return place / "group"


def invited(place: Path, who: str = "", *more: str) -> str:
    """An invite of Ada's."""
    return str(sc(place, "ada", "hub", "invite", "--name", who, *more)["invite"])


def joined(place: Path, who: str, *more: str) -> dict[str, Any]:
    """Have `who` join and be taken in; what `hub join` says then."""
    text = invited(place, who, *more)
    sc(place, who, "hub", "join", text)
    taken(place)
    told: dict[str, Any] = sc(place, who, "hub", "join", text)
    assert told["state"] == "member"
    return told


def taken(place: Path, who: str = "ada") -> dict[str, Any]:
    """One pass over the inbox on the machine of `who`."""
    (done,) = sc(place, who, "hub", "inbox")
    messages: dict[str, Any] = done["messages"]
    return messages


def hub(place: Path, who: str = "ada") -> Hub:
    """The group's hub as the machine of `who` opens it."""
    return Hub.open(str(place / "group"), home(place, who) / "keys", home(place, who) / "hubs.json")


def state(place: Path, who: str = "ada") -> HubState:
    """The fold of the log as the machine of `who` reads it."""
    return hub(place, who).state()


def machine(place: Path, who: str) -> Machine:
    """The parts of the home of `who`."""
    return Machine(home(place, who), environ={})
