"""Users on one machine: what they do by day is pooled by night, and what is measured is not."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_model import ChatModel, text

from skillclaw import settings
from skillclaw.server.machine import Machine
from skillclaw.server.rehearsal import Rehearsal
from skillclaw.trajectory.model import meta

NAMES = ("user1", "user2")


@pytest.fixture
def model() -> Iterator[ChatModel]:
    with ChatModel(lambda request: text("Done.")) as running:
        yield running


def say(base: str, session: str, words: str = "File the parcel, please.") -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": words}]}
    headers = {"content-type": "application/json", "x-session-id": session}
    request = urllib.request.Request(f"{base}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer)["choices"]


def pooled(rig: Rehearsal) -> list[Any]:
    return [meta(one) for one in Machine(rig.pool, {}).sessions.trajectories(0)]


def test_what_is_measured_is_recorded_for_nobody(model: ChatModel, tmp_path: Path) -> None:
    rig = Rehearsal(tmp_path / "rig", NAMES)
    with rig.measuring(model.url, "generic") as base:
        say(base, "measured")
    assert len(model.seen) == 1
    assert rig.night()["sessions"] == 0 and pooled(rig) == []
    assert not [path for path in rig.place.rglob("*") if path.parent.name == "journal"]


@pytest.mark.slow
def test_by_day_each_user_is_recorded_apart_and_the_night_pools_all(model: ChatModel, tmp_path: Path) -> None:
    rig = Rehearsal(tmp_path / "rig", NAMES)
    with rig.day(model.url, "generic") as bases:
        assert set(bases) == set(NAMES) and len(set(bases.values())) == 2
        say(bases["user1"], "one")
        say(bases["user2"], "two")
        say(bases["user2"], "three")
    assert rig.night()["sessions"] == 3
    assert sorted(one.user for one in pooled(rig)) == ["user1", "user2", "user2"]
    # What was handed over stays handed over; the next night has what is new.
    with rig.day(model.url, "generic") as bases:
        say(bases["user1"], "four")
    night = Rehearsal(tmp_path / "rig", NAMES).night()
    assert night["sessions"] == 4 and night["error"] == ""
    assert sorted(one.user for one in pooled(rig)) == ["user1", "user1", "user2", "user2"]


def test_one_users_word_is_not_enough(tmp_path: Path) -> None:
    rig = Rehearsal(tmp_path / "rig", NAMES)
    assert settings.load(rig.pool).gate.policy == "team"
    homes = {rig.home(name) for name in NAMES}
    assert len(homes) == 2 and all(home.is_dir() for home in homes)
