"""Pages that people look at: the report of a cycle as one HTML file."""

from skillclaw.web.report import render

__all__ = ["render"]
