"""`make kept-home`: what a release keeps of itself can be read, and is never written over."""

from __future__ import annotations

from pathlib import Path

import kept_homes
import pytest
from cli import ok_json

from skillclaw.journal import reader

pytestmark = pytest.mark.slow


def test_the_home_that_a_release_keeps_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = kept_homes.numbers()
    monkeypatch.setattr(kept_homes, "numbers", lambda: numbers)  # it lies beside the homes
    monkeypatch.setattr(kept_homes, "HOMES", tmp_path / "homes")
    monkeypatch.setattr(kept_homes, "PLACE", str(tmp_path / "place"))
    kept_homes.make("v0.9")
    assert kept_homes.kept_numbers() == {
        "v0.9": {place: kept_homes.in_code(place) for place in sorted(numbers)}
    }
    kept = tmp_path / "homes" / "v0.9.tar.zst"
    data = kept.read_bytes()
    home = kept_homes.unpacked("v0.9", tmp_path / "here")
    assert len(ok_json("sessions", "list", home=home)) >= 4
    assert [skill["name"] for skill in ok_json("skills", "list", home=home)] == ["run-tests-till"]
    assert len(list(reader.read(home / ".skillclaw" / "journal"))) == 3
    verified = ok_json("hub", "verify", "--all", home=home)
    assert {row["hub"]: row["problems"] for row in verified["hubs"]} == {"personal": [], "team": []}
    for name in ("v0.9", "0.9", "v0.9/../x"):
        with pytest.raises(SystemExit, match="kept already, or is no name"):
            kept_homes.make(name)
    assert kept.read_bytes() == data
    assert sorted(path.name for path in (tmp_path / "homes").iterdir()) == ["formats.json", "v0.9.tar.zst"]
