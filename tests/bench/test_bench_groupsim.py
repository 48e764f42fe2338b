"""The simulated group: it repeats, it is decided by the real code, and it shows rules that are wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from cli import fails, ok_json

from skillclaw.bench.groupsim.attempts import ATTEMPTS
from skillclaw.bench.groupsim.figures import Row, figures
from skillclaw.bench.groupsim.group import play
from skillclaw.bench.groupsim.plot import plot
from skillclaw.bench.groupsim.records import Attempt, Fate, Told
from skillclaw.bench.groupsim.run import markdown, run_group_bench, summary
from skillclaw.bench.groupsim.world import ARMS, Arm, World
from skillclaw.gate.rollout import Rules
from skillclaw.hub import Hub
from skillclaw.server.groups.newcomers import facts_of

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"


def played(folder: Path, seed: int, arm: Arm = "honest", days: int = 12) -> Told:
    return play(seed, arm, days, folder, facts_of)


def test_the_same_seed_gives_the_same_group_whatever_keys_its_hub_has(tmp_path: Path) -> None:
    first = played(tmp_path / "a", 4, days=4)
    assert first == played(tmp_path / "b", 4, days=4)
    assert World(4, "honest", 4).skills != World(5, "honest", 4).skills


def test_what_is_told_is_what_the_log_of_a_real_hub_says(tmp_path: Path) -> None:
    told = played(tmp_path, 4, days=15)
    # As another machine reads it: from the first entry on, with every signature.
    hub = Hub.open(str(tmp_path / "hub"), tmp_path / "others-keys", tmp_path / "others-seen.json")
    state = hub.state()
    assert (state.seq, state.void, hub.verify()) == (told.log, 0, told.problems) == (told.log, 0, [])
    stages = {name: skill.stage for name, skill in state.skills.items() if skill.current}
    ends = sorted(f.end for f in told.fates)
    assert len(ends) == 8 and len(stages) == sum(end != "rolled back" for end in ends)
    back = [r for s in state.skills.values() for r in s.releases for e in r.story if e.what == "rollback"]
    assert len(back) == ends.count("rolled back") > 0
    assert all(release.share == 0.5 and release.story[-1].effect is not None for release in back)
    assert not any(f.end == "stable" for f in told.fates if f.effect <= 0)
    days = {f.released for f in told.fates}
    assert days == {0} and all(r.time.startswith("2026-03-02T23:50") for r in back)


def test_what_must_not_be_released_is_not_and_a_policy_for_one_lets_one_person_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = played(tmp_path / "team", 6, days=6)
    assert [one.what for one in told.attempts] == list(ATTEMPTS)
    assert {one.status for one in told.attempts} == {"rejected", "held"}
    monkeypatch.setattr("skillclaw.bench.groupsim.group.POLICY", "solo")
    loose = played(tmp_path / "solo", 6, days=6)
    assert loose.attempts[0].status == "released"


def test_rules_that_are_wrong_promote_what_helps_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with every bar lowered the promised rate of 5% is exceeded, and that shows."""
    loose = {
        "help": 0.9,
        "harm": 1e-9,
        "left_out": 0.0,
        "sessions": 1,
        "users": 1,
        "guard": 0.0,
        "worst": 1.0,
    }
    rules = msgspec.structs.replace(Rules(), **loose)
    monkeypatch.setattr("skillclaw.evolve.rollouts.rules_for", lambda policy, share: rules)
    told = [played(tmp_path / str(seed), seed, days=8) for seed in (1, 2)]
    ends = [f.end for one in told for f in one.fates if f.effect <= 0]
    assert ends.count("stable") / len(ends) > 0.25


@pytest.mark.slow
def test_the_promises_hold_in_a_few_groups() -> None:
    found = run_group_bench(5, 60, facts_of, arms=["honest"])["groups"]
    assert [one.seed for one in found] == [0, 1, 2, 3, 4]
    assert row(found, "helps nobody").stable == 0.0
    assert row(found, "harm").rolled_back >= 0.9
    assert row(found, "fewer failures, less success").stable == 0.0
    strong = row(found, "good, 15 points or more")
    assert strong.n and strong.rolled_back <= 0.2 and strong.stable >= 0.5
    assert {attempt.status for one in found for attempt in one.attempts} == {"rejected", "held"}


def row(told: Sequence[Told], skills: str, arm: str = "honest") -> Row:
    return next(r for r in figures(told).rows if (r.skills, r.arm) == (skills, arm))


def fate(**given: Any) -> Fate:
    return Fate(**{"kind": "neutral", "events": False, "effect": 0.0, "end": "unproven", **given})


def group(*fates: Fate, arm: Arm = "honest", attempts: Sequence[Attempt] = ()) -> Told:
    return Told(
        seed=0,
        arm=arm,
        members=9,
        liars=0,
        sessions=100,
        log=10,
        problems=[],
        fates=list(fates),
        attempts=list(attempts),
    )


BACK = {"kind": "harm", "effect": -0.2, "a_day": 25.0, "end": "rolled back", "released": 3}


def test_figures_are_shares_of_the_canaries_and_days_since_the_release() -> None:
    told = [
        group(
            fate(kind="good", effect=0.2, end="stable", released=2, ended=12),
            fate(kind="good", effect=0.1, end="refused"),
            fate(**BACK, ended=10),
            fate(**BACK, ended=20),
            fate(kind="flip", effect=-0.2, end="rolled back", released=1, ended=19, flipped=9),
            fate(kind="flip", effect=0.2, end="stable", released=1, ended=19, flipped=30, retired=51),
            attempts=[Attempt(what="hidden text", status="rejected")],
        )
    ]
    good, harm = row(told, "good"), row(told, "harm, 15 points or more, 20 a day")
    assert (good.n, good.stable, good.up) == (2, 1.0, (10.0, 18.0, 18.0))
    assert (harm.n, harm.back_14, harm.rolled_back, harm.down) == (2, 0.5, 1.0, (17.0, 17.0))
    assert row(told, "turned harmful as a canary").response == (10.0, 10.0)
    found = figures(told)
    assert (found.proposed, found.refused_good) == (6, 1)
    assert found.attempts == {"hidden text": {"rejected": 1}}
    assert found.turned_stable["honest"] == (1, 1, 21.0) and found.retired_wrongly["honest"] == 0


def test_tables_and_picture_say_what_the_figures_do() -> None:
    told = [group(fate(**BACK, ended=10), arm=arm) for arm in ARMS]
    result = {"figures": figures(told), "groups": told}
    assert "| a tenth lie | harm | 1 | 0.0% | 95.0% | 0.0% | 100.0% | 100.0% |" in markdown(result)
    assert "honest:\n" in summary(result) and "7 (95%: 7)" in summary(result)
    picture = ElementTree.fromstring(plot(result))
    assert sum("100.0% rolled back" in (one.text or "") for one in picture.iter()) == len(ARMS)


def test_a_group_from_the_command_line(tmp_path: Path) -> None:
    command = ["bench", "rollout", "--group", "--seeds", "1", "--days", "6", "--jobs", "1"]
    found = ok_json(*command, "--out", str(tmp_path / "out"), home=tmp_path)
    assert [one["arm"] for one in found["groups"]] == list(ARMS) and found["days"] == 6
    kept = json.loads((tmp_path / "out" / "group.json").read_text())
    assert kept["groups"] == found["groups"]
    assert (tmp_path / "out" / "group.md").read_text().startswith("| members |")
    assert (tmp_path / "out" / "group.svg").read_text().startswith("<svg")
    said = fails("bench", "rollout", "--group", "--only", "neutral", home=tmp_path, code=2)
    assert "do not go together" in said


def test_a_world_has_its_liars_and_asks_nothing_of_who_is_not_there() -> None:
    lies = {arm: sum(m.liar for m in World(2, arm, 30).members) for arm in ARMS}
    assert lies["honest"] == 0 < lies["a tenth lie"] <= lies["a fifth lie"]
    world = World(11, "honest", 30)
    for day in (0, 29):
        there = set(world.there(day))
        every = dict.fromkeys(range(len(world.members)), True)
        assert {one.member for one in world.sessions(day, 0, every, every)} <= there


def test_the_pages_table_and_plot_are_those_of_the_groups_that_are_kept() -> None:
    kept = msgspec.json.decode((DOCS / "runs/rollout/groups/group.json").read_bytes())
    told = msgspec.convert(kept["groups"], list[Told])
    assert len(told) == 300 and {one.seed for one in told} == set(range(100))
    found = figures(told)
    assert msgspec.json.decode(msgspec.json.encode(found)) == kept["figures"]
    page = (DOCS / "rollout.md").read_text("utf-8")
    result = {**kept, "figures": found, "groups": told}
    for line in markdown(result).splitlines():
        assert line in page
    assert plot(result) == (DOCS / "rollout-group.svg").read_text("utf-8")
