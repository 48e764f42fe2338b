"""A small workspace, skills in a home, and the real proxy, for tests of the benchmark's agents."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chat_model import ChatModel
from hypothesis import strategies as st

from skillclaw.bench.suites.model import Task, Tool, ToolResult
from skillclaw.headless.agents import Endpoint, load_agent
from skillclaw.journal.assemble import assemble
from skillclaw.journal.reader import read
from skillclaw.proxy import ProxyConfig, command, write_config
from skillclaw.sandbox import Box
from skillclaw.trajectory.model import Trajectory

WORD = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}


@dataclass
class Desk:
    """A workspace with one tool, which writes words down and gives back how many there are."""

    words: list[str] = field(default_factory=list)
    box: Box | None = None
    tools: Sequence[Tool] = (Tool(name="note", description="Write a word down.", parameters=WORD),)

    def call(self, name: str, arguments: Any) -> ToolResult:
        if name != "note" or not isinstance(arguments.get("word"), str):
            return ToolResult(text="There is no such tool or argument.", is_error=True)
        self.words.append(arguments["word"])
        return ToolResult(text=f"{len(set(self.words))} words")


def task(timeout: float = 20.0) -> Task:
    return Task(
        suite="desk", id="t1", template="t", category="c", seed=7, instruction="Note it.", timeout=timeout
    )


@contextmanager
def talk(
    model: ChatModel | str, home: Path, desk: Desk | None = None, *, timeout: float = 20.0, **options: Any
) -> Iterator[Any]:
    url = model if isinstance(model, str) else model.url
    agent = load_agent("minimal", **options)
    end = Endpoint(base_url=url, model="m", key="secret-key")
    with agent.open(task(timeout), desk or Desk(), end, home=home, seed=3) as conversation:
        yield conversation


def skill(home: Path, name: str, description: str, body: str, folder: str = ".agents/skills") -> str:
    path = home / folder / name / "SKILL.md"
    path.parent.mkdir(parents=True)
    whole = f"---\nname: {name}\ndescription: {description}\n---\n{body}\n"
    path.write_text(whole, "utf-8")
    return whole


@contextmanager
def proxied(tmp_path: Path, upstreams: dict[str, str]) -> Iterator[tuple[str, list[Trajectory]]]:
    """The real proxy before `upstreams` (by prefix): its URL, and what it recorded once the block is over."""
    home = tmp_path / "proxy"
    write_config(home / "c.json", ProxyConfig(port=0, home=str(home), upstreams=upstreams))
    process = subprocess.Popen(command(home / "c.json"), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    sessions: list[Trajectory] = []
    try:
        port = process.stdout.readline().split()[1]
        yield f"http://127.0.0.1:{port}", sessions
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
    sessions += assemble(exchange for exchange, _ in read(home / "journal"))


BODY = "# Notes\n\nA word is noted in lower case, after `desk open`.\n"


def made(ident: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
