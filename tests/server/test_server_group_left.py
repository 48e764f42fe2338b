"""What lies in the storage of members who left: what they sent before counts, also after the storage was
copied, and what they put there later does not."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from team import found, home, hub, joined, sc, state, taken
from test_server_group_cycle import claimed, posted

from skillclaw.errors import BadInputError
from skillclaw.hub import Hub, keys
from skillclaw.hub.inbox import send, take_in
from skillclaw.hub.sealed import object_name, put_session, seal, sealing_key
from skillclaw.hub.store import Store
from skillclaw.server.groups import collecting
from skillclaw.server.groups.late import WHY

pytestmark = pytest.mark.live

NOW = datetime.now(UTC).replace(microsecond=0)


def ago(hours: int) -> datetime:
    return NOW - timedelta(hours=hours)


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


TODAY = text(ago(9))[:10]


def leaves(place: Path, who: str, when: datetime) -> None:
    """Have `who` leave; the log says that it was at `when`."""
    send(hub(place, who), "leave", {})
    group = hub(place)
    group.clock = lambda: when
    assert take_in(group).taken == {"leave": 1}


def put_at(monkeypatch: pytest.MonkeyPatch, times: dict[str, datetime]) -> list[str]:
    """The storage says these times of its objects; the names that are fetched from then on."""
    fetched: list[str] = []
    real = Store.dated

    def dated(self: Store, key: str, limit: int) -> tuple[bytes, datetime] | None:
        there = real(self, key, limit)
        if key in times and there is not None:
            fetched.append(key)
            return there[0], times[key]
        return there

    monkeypatch.setattr(Store, "dated", dated)
    return fetched


def collected(place: Path) -> tuple[int, dict[str, str]]:
    """How many sessions a cycle of the evolver's takes, and what it refuses."""
    done = sc(place, "ada", "evolve", "--hub", "team")["collected"]
    return done["taken"], done["refused"]


def forget_all(place: Path) -> None:
    """The evolver's machine is a new one, that read no session yet."""
    shutil.rmtree(home(place, "ada") / "groups")


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    joined(tmp_path, "bob")
    return tmp_path


def test_a_pass_asks_the_storage_no_more_often_for_lists_where_many_objects_lie(
    team: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = Store._listed

    def listed(self: Store, prefix: str, after: str | None = None, most: int | None = None) -> object:
        asked.append(prefix)
        return real(self, prefix, after, most)

    for number in range(6):
        posted(team, "bob", claimed(f"{number:016x}", number), number, day=TODAY)
    sc(team, "bob", "hub", "leave", "--yes")
    taken(team)
    monkeypatch.setattr(Store, "_listed", listed)
    taking, refused = collected(team)
    assert taking + len(refused) == 6
    assert [prefix for prefix in asked if prefix.startswith("sessions")] == ["sessions"]


def test_after_a_move_what_was_sent_before_counts_once_the_owner_says_when_it_was(
    team: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [posted(team, "bob", claimed(f"{n:016x}", n), n, day=TODAY) for n in range(2)]
    leaves(team, "bob", ago(6))
    times = dict.fromkeys(names, ago(2))  # when they were copied
    fetched = put_at(monkeypatch, times)
    assert collected(team) == (0, dict.fromkeys(names, WHY))
    assert sorted(fetched) == sorted(names)
    sc(team, "ada", "hub", "settings", "moved", text(ago(3)))
    assert collected(team) == (0, dict.fromkeys(names, WHY)), "told again, until somebody says it"
    assert len(fetched) == 2, "and not fetched again for that"
    sc(team, "ada", "hub", "settings", "moved", text(ago(1)))
    assert collected(team) == (2, {})
    forget_all(team)
    assert collected(team) == (2, {}), "so it is for an evolver that comes later"


def test_what_is_put_there_after_a_move_by_one_who_left_does_not_count(
    team: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = posted(team, "bob", claimed("0123456789abcdef"), 1, day=TODAY)
    leaves(team, "bob", ago(6))
    put_at(monkeypatch, {name: ago(1)})
    sc(team, "ada", "hub", "settings", "moved", text(ago(2)))
    assert collected(team) == (0, {name: WHY})


def test_what_came_late_before_a_move_is_not_taken_after_it(
    team: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = posted(team, "bob", claimed("0123456789abcdef"), 1, day=TODAY)
    leaves(team, "bob", ago(6))
    times = {name: ago(4)}
    put_at(monkeypatch, times)
    assert collected(team) == (0, {name: WHY})
    times[name] = ago(2)
    sc(team, "ada", "hub", "settings", "moved", text(ago(1)))
    assert collected(team) == (0, {name: WHY})
    assert collected(team) == (0, {}), "that is for good"


def test_on_a_folder_a_file_is_not_older_than_its_last_change(team: Path) -> None:
    name = posted(team, "bob", claimed("0123456789abcdef"), 1, day=TODAY)
    leaves(team, "bob", ago(6))
    os.utime(team / "group" / name, (ago(7).timestamp(), ago(7).timestamp()))
    assert collected(team) == (0, {name: WHY})
    sc(team, "ada", "hub", "settings", "moved", "now")
    assert collected(team) == (1, {})


def test_a_key_that_was_replaced_signs_nothing_for_who_left(team: Path) -> None:
    folder = home(team, "bob") / "keys"
    group = state(team).group
    before = keys.load(folder, group, "member")
    evolver = sealing_key(state(team))
    assert before is not None and evolver is not None
    sc(team, "bob", "hub", "rotate")
    taken(team)
    state(team, "bob")  # his machine learns that its new key is in the log
    leaves(team, "bob", ago(6))
    late = {}
    for day, why in ((TODAY, WHY), ("2199-01-01", "Its signer was revoked, or had left the group before.")):
        name = object_name(b"k" * 32, group, "bob", 1, day)
        sealed = seal(claimed("0123456789abcdef"), before, group=group, evolver=evolver.sealing, name=name)
        put_session(hub(team, "bob"), name, sealed)
        late[name] = why
    assert collected(team) == (0, late)


@pytest.mark.parametrize("value", ["2199-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "yesterday", "3"])
def test_a_move_was_at_a_time_that_is_over(team: Path, value: str) -> None:
    with pytest.raises(BadInputError, match="no value of moved"):
        sc(team, "ada", "hub", "settings", "moved", value)
    assert "moved" not in state(team).settings


@pytest.mark.parametrize("value", [3, None, "now", "yesterday", ["2026-01-01T00:00:00Z"]])
def test_what_is_no_time_in_the_log_says_nothing_of_a_move(
    team: Path, monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    name = posted(team, "bob", claimed("0123456789abcdef"), 1, day=TODAY)
    leaves(team, "bob", ago(6))
    put_at(monkeypatch, {name: ago(4)})
    owner: Hub = hub(team)
    owner.commit("settings", {"moved": value}, role="owner")
    for _ in range(2):
        assert collected(team) == (0, {name: WHY})
    assert collecting.taken_in(home(team, "ada") / "groups" / state(team).group) == {name}
