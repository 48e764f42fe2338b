"""Agents that work on tasks: the built-in minimal one, and the real platforms' CLIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skillclaw.errors import UsageError
from skillclaw.headless import PLATFORMS, load_platform
from skillclaw.headless.agents.model import Agent, Conversation, Endpoint, Reply

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
    from skillclaw.headless.agents.minimal import Minimal

    return Minimal(**options)


def _cli(name: str) -> Callable[[Mapping[str, Any]], Agent]:
    def make(options: Mapping[str, Any]) -> Agent:
        from skillclaw.headless.agents.cli import CliAgent

        return CliAgent(load_platform(name), **options)

    return make


_MAKERS: dict[str, Callable[[Mapping[str, Any]], Agent]] = {
    "minimal": _minimal,
    **{name: _cli(name) for name in PLATFORMS},
}
NAMES = tuple(_MAKERS)
"""The agents that `load_agent` knows."""
