"""Qwen Code, as its users have it, over Chat Completions and Messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from clients import Person
from live import Client, Live, prove, start
from scripted import Seen

CLIENT = Client(name="qwen-code", version="0.24.4", package="@qwen-code/qwen-code", node="24")
PATHS = {"openai": "/v1", "anthropic": ""}


def live(protocol: str) -> Live:
    def settings(person: Person, url: str) -> list[Path]:
        path = person.home / ".qwen/settings.json"
        path.parent.mkdir()
        models = [
            {"id": "small", "envKey": "OFFICE_KEY", "baseUrl": f"{url}{PATHS[protocol]}"},
            {"id": "scripted", "envKey": "OFFICE_KEY", "baseUrl": f"{url}{PATHS[protocol]}"},
        ]
        held: dict[str, Any] = {
            "env": {"OFFICE_KEY": "own-key-0123456789"},
            "security": {"auth": {"selectedType": protocol}},
            "model": {"name": "scripted", "baseUrl": f"{url}{PATHS[protocol]}"},
            "modelProviders": {protocol: models},
            "$version": 4,
        }
        path.write_text("// the office's\n" + json.dumps(held, indent=2) + "\n", "utf-8")
        return [path]

    def run(person: Person, prompt: str, again: bool) -> None:
        # 0.24.4 loses what a command prints that ends too soon, on a busy machine.
        slow = person.home / "slow.sh"
        slow.write_text("trap 'sleep 0.5' EXIT\n", "utf-8")
        start(person, made, ["qwen", "-y", *(["-c"] if again else []), "-p", prompt], BASH_ENV=str(slow))

    made = Live(
        agent="qwen-code", client=CLIENT, settings=settings, run=run, native=native, skill="invoked_step"
    )
    return made


def native(seen: list[Seen]) -> str:
    (found,) = {one.header("x-session-id") for one in seen}
    return found


@pytest.mark.parametrize("protocol", PATHS)
def test_qwen_code(protocol: str, tmp_path: Path) -> None:
    prove(live(protocol), tmp_path)
