"""The client stays small: proxy, import, sync and library in 60 MB on disk (docs/install.md)."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

import pytest

from skillclaw.bench import start

ROOT = Path(__file__).parents[2]
ASKED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


def test_the_client_with_all_that_it_asks_for_is_within_its_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of the packages that are installed here, in blocks of the disk, without byte code."""
    requires = importlib.metadata.requires
    monkeypatch.setattr(
        importlib.metadata, "requires", lambda name: ASKED if name == "skillclaw" else requires(name)
    )
    size = start.installed(60)
    names = {one["name"] for one in size["packages"]}
    assert {"skillclaw", "aiohttp", "yarl", "rich", "pygments", "cffi"} <= names, "also what packages ask for"
    assert not {"obstore", "uvloop", "pydantic", "requests", "numpy"} & names
    assert all(one["bytes"] for one in size["packages"])
    largest = ", ".join(f"{one['name']} {one['bytes'] / 1e6:.1f}" for one in size["packages"][:8])
    assert 40_000_000 < size["bytes"] <= size["bar_bytes"] == 60_000_000, f"in MB: {largest}"
