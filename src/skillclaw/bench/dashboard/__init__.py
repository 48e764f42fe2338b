"""`bench dashboard`: how soon the pages of a large machine are there, and what it costs while closed."""

from __future__ import annotations

from skillclaw.bench.dashboard.measure import run_dashboard_bench, summary

__all__ = ["run_dashboard_bench", "summary"]
