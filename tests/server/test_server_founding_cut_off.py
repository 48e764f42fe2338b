"""`hub init` that was cut off: the same call ends it, wherever that was."""

from __future__ import annotations

from pathlib import Path

import pytest
from team import found, home, sc, state

from skillclaw import settings
from skillclaw.errors import UsageError
from skillclaw.hub import Hub


class CutOff(BaseException):
    """The process ends here."""


def cut_off(place: Path, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """It ends after `writes` commits or, above all of them, before the hub's name is noted."""
    done = 0

    def commit(self: Hub, *args: object, **more: object) -> object:
        nonlocal done
        if done == writes:
            raise CutOff
        done += 1
        return kept(self, *args, **more)  # type: ignore[arg-type]

    def note(*args: object) -> None:
        raise CutOff

    kept = Hub.commit
    with monkeypatch.context() as patch:
        patch.setattr(Hub, "commit", commit)
        patch.setattr(settings, "set_value", note)
        with pytest.raises(CutOff):
            found(place)


@pytest.mark.parametrize("writes", [0, 1, 2, 99])
def test_the_same_call_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    cut_off(tmp_path, monkeypatch, writes)
    found(tmp_path)
    group = state(tmp_path)
    assert sorted(key.role for key in group.keys.values()) == ["evolver", "member", "owner"]
    assert group.settings["policy"] == "team"
    assert sc(tmp_path, "ada", "hub", "invite")["hub"] == "team"
    assert home(tmp_path, "ada").is_dir()


def test_a_group_that_is_whole_is_not_made_again(tmp_path: Path) -> None:
    found(tmp_path)
    with pytest.raises(UsageError, match="has made the hub"):
        found(tmp_path)
    with pytest.raises(UsageError, match="There is a hub"):
        sc(tmp_path, "bob", "hub", "init", str(tmp_path / "group"))
