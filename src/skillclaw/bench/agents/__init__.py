"""Agents that work on tasks: the built-in minimal one, and the real platforms' CLIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skillclaw.bench.agents.model import Agent, Conversation, Endpoint, Reply
from skillclaw.errors import UsageError

__all__ = ["NAMES", "Agent", "Conversation", "Endpoint", "Reply", "load_agent"]


def load_agent(name: str, **options: Any) -> Agent:
    """The agent `name` with its options (see its class); raises UsageError for what is not known."""
    make = _MAKERS.get(name)
    if make is None:
        raise UsageError(f"There is no agent {name!r}.", "", f"Known: {', '.join(NAMES)}")
    try:
        return make(options)
    except TypeError as error:
        raise UsageError(f"An option of the agent {name} is not known.", str(error)) from error


def _minimal(options: Mapping[str, Any]) -> Agent:
    from skillclaw.bench.agents.minimal import Minimal

    return Minimal(**options)


def _claude_code(options: Mapping[str, Any]) -> Agent:
    from skillclaw.bench.agents.claude_code import ClaudeCode
    from skillclaw.bench.agents.cli import CliAgent

    return CliAgent(ClaudeCode(), **options)


def _codex(options: Mapping[str, Any]) -> Agent:
    from skillclaw.bench.agents.cli import CliAgent
    from skillclaw.bench.agents.codex import Codex

    return CliAgent(Codex(), **options)


def _hermes(options: Mapping[str, Any]) -> Agent:
    from skillclaw.bench.agents.cli import CliAgent
    from skillclaw.bench.agents.hermes import Hermes

    return CliAgent(Hermes(), **options)


def _openclaw(options: Mapping[str, Any]) -> Agent:
    from skillclaw.bench.agents.cli import CliAgent
    from skillclaw.bench.agents.openclaw import OpenClaw

    return CliAgent(OpenClaw(), **options)


_MAKERS: dict[str, Callable[[Mapping[str, Any]], Agent]] = {
    "minimal": _minimal,
    "claude-code": _claude_code,
    "codex": _codex,
    "hermes": _hermes,
    "openclaw": _openclaw,
}
NAMES = tuple(_MAKERS)
"""The agents that `load_agent` knows."""
