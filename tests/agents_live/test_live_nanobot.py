"""nanobot, as its users have it."""

from __future__ import annotations

import json
from pathlib import Path

from clients import Person
from live import Client, Live, prove, start

CLIENT = Client(name="nanobot-ai", version="0.3.5", package="nanobot-ai", kind="pip")


def settings(person: Person, url: str) -> list[Path]:
    path = person.home / ".nanobot/config.json"
    (path.parent / "workspace").mkdir(parents=True)  # as `nanobot onboard` makes it
    defaults = {"model": "scripted", "provider": "custom"}
    own = {"custom": {"apiKey": "own-key-0123456789", "apiBase": f"{url}/v1"}}
    path.write_text(json.dumps({"agents": {"defaults": defaults}, "providers": own}, indent=4), "utf-8")
    return [path]


def run(person: Person, prompt: str, again: bool) -> None:
    """The session of a name goes on by itself."""
    start(person, LIVE, ["nanobot", "agent", "-m", prompt])


LIVE = Live(agent="nanobot", client=CLIENT, settings=settings, run=run, placed="")


def test_nanobot(tmp_path: Path) -> None:
    prove(LIVE, tmp_path)
