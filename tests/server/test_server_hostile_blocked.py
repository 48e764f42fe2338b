"""An object that the storage does not give or take: its proposal is told of, tried again and lost to nobody,
and none is decided in the place of one that is not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hubs_at_hand import bundle
from mal import sent
from team import found, home, hub, joined, printed, sc, state
from test_server_group_cycle import worked
from voters import scored, taught, voted

from skillclaw.errors import BadInputError, StorageError
from skillclaw.hub import Hub, log
from skillclaw.hub.store import Store
from skillclaw.skills.bundle import pack
from skillclaw.skills.records import Proposal, Verdict

pytestmark = pytest.mark.live

PACKED = b"\x28\xb5\x2f\xfd"
"""How the files of a skill begin in the storage: zstd's own first bytes."""


def blocked_release(place: Path) -> dict[str, Any]:
    """A cycle that finds a folder in the place of the files of whatever it releases."""
    put = Store.put_surely

    def blocked(self: Store, key: str, data: bytes) -> None:
        path = place / "group" / key
        if key.startswith("objects/") and data.startswith(PACKED) and not path.exists():
            path.mkdir(parents=True)
        put(self, key, data)

    with pytest.MonkeyPatch.context() as during:
        during.setattr(Store, "put_surely", blocked)
        return sc(place, "ada", "evolve", "--hub", "team")


def unblocked(place: Path) -> None:
    folders = [path for path in (place / "group" / "objects").rglob("*") if path.is_dir()]
    empty = [path for path in folders if not any(path.iterdir())]
    assert empty
    for path in empty:
        path.rmdir()


def test_a_folder_where_a_release_is_to_be_stops_no_other(tmp_path: Path) -> None:
    found(tmp_path)
    own = hub(tmp_path, "ada")
    made = bundle("evil", "- Look at `git status`.")
    given = Proposal(
        id="p1", action="create", skill="evil", base=None, engine="extractive", why="", bundle=made
    )
    own.propose(given)
    own.record_verdicts("p1", [Verdict(check="spec", verdict="pass", reason="x")], "passed")
    (tmp_path / "group" / "objects" / log.digest(pack(made))).mkdir(parents=True)
    for who in ("bob", "cyd"):
        joined(tmp_path, who)
        worked(tmp_path, who, 1, 2)
    assert len(sc(tmp_path, "ada", "evolve", "--hub", "team")["released"]) == 1
    sc(tmp_path, "ada", "evolve", "--hub", "team")
    assert state(tmp_path).proposals["p1"].status == "passed"


def test_objects_that_are_not_taken_for_a_while_cost_no_proposal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(tmp_path)
    for who in ("bob", "cyd"):
        joined(tmp_path, who)
        worked(tmp_path, who, 1, 2)
    get, put = Store.get, Store.put_surely

    def got(self: Store, key: str, most: int) -> bytes | None:
        if key.startswith("objects/"):
            raise StorageError("403")
        return get(self, key, most)

    def kept(self: Store, key: str, data: bytes) -> None:
        if key.startswith("objects/"):
            raise StorageError("403")
        put(self, key, data)

    with monkeypatch.context() as away:
        away.setattr(Store, "get", got)
        away.setattr(Store, "put_surely", kept)
        report = sc(tmp_path, "ada", "evolve", "--hub", "team")
    assert (report["released"], report["proposals"]) == ([], [])
    assert [one["what"] for one in report["set_aside"]] == ["the proposal of install-httpie"]
    assert len(sc(tmp_path, "ada", "evolve", "--hub", "team")["released"]) == 1


def test_a_release_that_was_blocked_comes_once_it_can(tmp_path: Path) -> None:
    found(tmp_path)
    for who in ("bob", "cyd"):
        joined(tmp_path, who)
        worked(tmp_path, who, 1, 2)
    report = blocked_release(tmp_path)
    assert report["released"] == []
    assert [one["what"] for one in report["set_aside"]] == ["the release of install-httpie"]
    for _ in range(2):
        again = sc(tmp_path, "ada", "evolve", "--hub", "team")
        assert again["released"] == [] and again["set_aside"], "it is told each time"
    unblocked(tmp_path)
    assert len(sc(tmp_path, "ada", "evolve", "--hub", "team")["released"]) == 1


def test_a_voted_release_that_is_blocked_comes_once_it_can(tmp_path: Path) -> None:
    proposal = taught(tmp_path)
    for who in ("eve", "fay"):
        voted(tmp_path, who, scored(5))
    report = blocked_release(tmp_path)
    assert report["released"] == [] and report["set_aside"]
    assert state(tmp_path).proposals[proposal].status == "passed"
    unblocked(tmp_path)
    sc(tmp_path, "ada", "evolve", "--hub", "team")
    assert state(tmp_path).proposals[proposal].status == "released"


def test_the_beginning_of_an_id_decides_nothing_while_a_hub_is_away(tmp_path: Path) -> None:
    """What was shown is of a hub that is away by now; another's proposal has an id that begins alike."""
    found(tmp_path)
    joined(tmp_path, "mal")
    whole = sent(tmp_path, "good", "fresh")
    shown = whole[:4]
    sc(
        tmp_path,
        "ada",
        "hub",
        "init",
        str(tmp_path / "second"),
        "--name",
        "second",
        "--evolver",
        "--as",
        "ada",
    )
    other = Hub.open(
        str(tmp_path / "second"), home(tmp_path, "ada") / "keys", home(tmp_path, "ada") / "hubs.json"
    )
    other.propose(
        Proposal(
            id=shown + "f" * 12,
            skill="meant",
            action="create",
            base=None,
            engine="person",
            why="w",
            bundle=bundle("meant", "- Look."),
        )
    )
    (tmp_path / "second").rename(tmp_path / "away")
    for what in ("approve", "reject", "show"):
        with pytest.raises(BadInputError, match="Not looked into: second"):
            printed(tmp_path, "ada", "proposals", what, shown)
    assert state(tmp_path).proposals[whole].status == "held"
    printed(tmp_path, "ada", "proposals", "approve", shown, "--hub", "team")
    assert state(tmp_path).proposals[whole].status == "released"
