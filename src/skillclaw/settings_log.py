"""The settings of the logs of `up` and `serve`, `log.*`."""

from __future__ import annotations

from typing import Literal

from skillclaw.settings_evolve import Section

__all__ = ["LogSettings"]


class LogSettings(Section, frozen=True, kw_only=True):
    """`log.*`: lines for people (`text`) or one JSON object each (`json`); from which level on they are
    written. `up` and `serve` read it when they begin, and so does the proxy.
    """

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"
