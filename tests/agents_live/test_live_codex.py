"""Codex, as people with a gateway have it."""

from __future__ import annotations

from pathlib import Path

from clients import Person
from live import Client, Live, prove, start
from scripted import Seen

CLIENT = Client(name="codex", version="0.169.0", package="@openai/codex")
CONFIG = """# mine
model = "scripted"
model_provider = "mine"

[model_providers.mine]
name = "mine"
base_url = "{url}/v1" # the gateway
env_key = "OPENAI_API_KEY"
wire_api = "responses"
"""


def settings(person: Person, url: str) -> list[Path]:
    path = person.home / ".codex/config.toml"
    path.parent.mkdir()
    path.write_text(CONFIG.format(url=url), "utf-8")
    return []  # Codex itself notes there which folders are trusted


def run(person: Person, prompt: str, again: bool) -> None:
    free = ["--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check"]
    start(person, LIVE, ["codex", "exec", *(["resume", "--last"] if again else []), *free, prompt])


def native(seen: list[Seen]) -> str:
    return seen[-1].header("session-id")


LIVE = Live(agent="codex", client=CLIENT, settings=settings, run=run, native=native)


def test_codex(tmp_path: Path) -> None:
    prove(LIVE, tmp_path)
