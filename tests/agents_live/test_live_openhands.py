"""OpenHands CLI, as its users have it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clients import Person
from live import Client, Live, prove, start
from scripted import Seen

CLIENT = Client(name="openhands", version="1.16.0", package="openhands", kind="pip", python="3.12")
QUIET = {"OPENHANDS_SUPPRESS_BANNER": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def settings(person: Person, url: str) -> list[Path]:
    """The agent that the program makes of a model, a key and a base URL typed into its settings screen."""
    path = person.home / ".openhands/agent_settings.json"
    path.parent.mkdir()
    own = {"model": "openai/scripted", "api_key": "own-key-0123456789", "base_url": f"{url}/v1"}
    summaries: dict[str, Any] = {"llm": {**own, "usage_id": "condenser"}, "max_size": 80, "keep_first": 4}
    held = {
        "llm": {**own, "usage_id": "agent"},
        "tools": [{"name": name, "params": {}} for name in ("terminal", "file_editor", "task_tracker")],
        "system_prompt_kwargs": {"cli_mode": True, "llm_security_analyzer": True},
        "condenser": {**summaries, "kind": "LLMSummarizingCondenser"},
        "kind": "Agent",
    }
    path.write_text(json.dumps(held, separators=(",", ":")), "utf-8")
    return [path]


def run(person: Person, prompt: str, again: bool) -> None:
    more: list[str] = []
    if again:
        (state,) = (person.home / ".openhands/conversations").glob("*/base_state.json")
        more = ["--resume", json.loads(state.read_bytes())["id"]]
    start(person, LIVE, ["openhands", "--headless", *more, "-t", prompt])


def native(seen: list[Seen]) -> str:
    (found,) = {str(request.json["prompt_cache_key"]) for request in seen}
    return found


LIVE = Live(
    agent="openhands",
    client=CLIENT,
    settings=settings,
    run=run,
    native=native,
    skill="invoked_step",
    environ=QUIET,
)


def test_openhands(tmp_path: Path) -> None:
    prove(LIVE, tmp_path)
