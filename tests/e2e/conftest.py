"""What the end-to-end tests share: every test here is marked `e2e` and has a person of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import chromium
from clients import Person

if TYPE_CHECKING:
    from dashboard_data import House
    from dashboard_desk import Desk
    from playwright.sync_api import Browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person.make(tmp_path / "ada")


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house with something of everything that the dashboard shows; who changes it takes a copy."""
    from dashboard_data import house

    root = tmp_path_factory.getbasetemp()
    return house(root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root)


@pytest.fixture(scope="module")
def chrome(learned: House) -> Iterator[Browser]:
    """Chromium, for one module: what drives it keeps a loop of its own running in this thread."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def desk(learned: House, chrome: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A house with its dashboard before a browser, for the actions of one module."""
    from dashboard_desk import at_desk

    with at_desk(learned, tmp_path_factory.mktemp("desk") / "house", chrome) as one:
        yield one
