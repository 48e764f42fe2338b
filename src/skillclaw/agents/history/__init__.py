"""Readers of the histories that agents keep, one per agent, and what they share."""

from __future__ import annotations

__all__: list[str] = []
