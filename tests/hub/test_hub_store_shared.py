"""A hub's folder that several users of a system share, by the rights of its files."""

from __future__ import annotations

import getpass
import os
import stat
from pathlib import Path

import pytest
from cli import ok
from team import found, home, machine

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a group's rights")


def modes(place: Path) -> set[str]:
    return {f"{stat.S_IMODE(path.stat().st_mode):o}" for path in [place, *place.rglob("*")]}


def test_a_hub_in_a_groups_folder_is_the_groups(tmp_path: Path) -> None:
    shared = tmp_path / "srv"
    shared.mkdir()
    shared.chmod(0o2770)
    (tmp_path / "ada").mkdir()
    told = ok("hub", "init", str(shared / "acme"), home=tmp_path / "ada")
    assert modes(shared / "acme") == {"2770", "660"}
    assert "Only your own user" not in told


def test_a_hub_in_any_other_folder_is_its_users_alone_and_that_is_said(tmp_path: Path) -> None:
    open_to_all = tmp_path / "srv"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (tmp_path / "ada").mkdir()
    told = ok("hub", "init", str(open_to_all / "acme"), home=tmp_path / "ada")
    assert modes(open_to_all / "acme") == {"700", "600"}
    assert "Only your own user may use that folder" in told


def test_a_user_without_a_name_can_use_it_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that runs under a number that its system does not know."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1002")

    found(tmp_path)
    monkeypatch.setattr(getpass, "getuser", nobody)
    assert machine(tmp_path, "ada").redactor
    assert home(tmp_path, "ada").is_dir()
