"""The settings of the dashboard, `dashboard.*` (docs/dashboard.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from skillclaw.settings_evolve import Section
from skillclaw.settings_serve import Port

__all__ = ["DashboardSettings"]


class DashboardSettings(Section, frozen=True, kw_only=True):
    """`dashboard.*`: the page of this machine in a browser, on loopback only.

    enabled   `up` and `serve` keep a door for it: a port that is listened at, with nothing behind it until
              somebody comes
    port      of the door; where it is taken, any free one
    idle      seconds without a page open after which what is behind the door ends
    hours     that a browser stays logged in after it was last there
    language  of the page; empty: what the browser asks for
    """

    enabled: bool = True
    port: Port = 8788
    idle: Annotated[float, Meta(ge=1, le=86_400)] = 600.0
    hours: Annotated[float, Meta(gt=0, le=8784)] = 12.0
    language: Literal["", "en", "zh"] = ""
