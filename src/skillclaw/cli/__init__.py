"""The command line. `main` is the door; a room for what belongs together, a file per command group."""

from __future__ import annotations

from skillclaw.cli.main import main

__all__ = ["main"]
