"""The agents' own CLIs, run headless in a closed room: one conversation, and no way out but the model's."""

from __future__ import annotations

from collections.abc import Callable

from skillclaw.errors import UsageError
from skillclaw.headless.model import HOME, Endpoint, Message, Platform, Turn

__all__ = ["HOME", "PLATFORMS", "Endpoint", "Message", "Platform", "Turn", "load_platform"]


def load_platform(name: str) -> Platform:
    """The platform `name`; raises UsageError for one that is not known."""
    make = _MAKERS.get(name)
    if make is None:
        raise UsageError(
            f"There is no agent {name!r} that runs headless.", "", f"Known: {', '.join(_MAKERS)}"
        )
    return make()


def _claude_code() -> Platform:
    from skillclaw.headless.claude_code import ClaudeCode

    return ClaudeCode()


def _codex() -> Platform:
    from skillclaw.headless.codex import Codex

    return Codex()


def _hermes() -> Platform:
    from skillclaw.headless.hermes import Hermes

    return Hermes()


def _openclaw() -> Platform:
    from skillclaw.headless.openclaw import OpenClaw

    return OpenClaw()


_MAKERS: dict[str, Callable[[], Platform]] = {
    "claude-code": _claude_code,
    "codex": _codex,
    "hermes": _hermes,
    "openclaw": _openclaw,
}
PLATFORMS = tuple(_MAKERS)
"""The platforms that `load_platform` knows."""
