"""The command line. `main` is the door; one file per command group."""

from __future__ import annotations

from skillclaw.cli.main import main

__all__ = ["main"]
