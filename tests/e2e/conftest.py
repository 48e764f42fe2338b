"""What the end-to-end tests share: every test here is marked `e2e` and has a person of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from clients import Person


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person.make(tmp_path / "ada")
