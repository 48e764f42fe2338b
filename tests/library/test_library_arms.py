"""A canary by switchback on one machine: here on its days, withheld on the others, never under a session."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from canary_days import START, Desk, bundle, days, promoted, skill, versions
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from skillclaw.hub import HubState
from skillclaw.hub.arms import block, treated
from skillclaw.library import book
from skillclaw.library.choose import HubView, choose

BASE = ("base", "stable", None)
CANARY = ("canary", "canary", 0.5)
ON, OFF = days(True), days(False)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    one = Desk(tmp_path)
    one.knows("older", "base", "canary", "other")
    return one


@settings(max_examples=examples(6), deadline=None)
@given(
    share=st.floats(0, 1),
    with_base=st.booleans(),
    busy=st.sets(st.integers(0, 59)),
    skipped=st.sets(st.integers(0, 59), max_size=30),
)
def test_over_60_days_the_canary_is_there_on_its_days_and_nothing_else_ever_is(
    share: float, with_base: bool, busy: set[int], skipped: set[int]
) -> None:
    """`busy`: days on which an agent that reads the first folder is in a session all day; `skipped`: days on
    which the machine is off."""
    with tempfile.TemporaryDirectory() as place:
        desk = Desk(Path(place))
        desk.knows("base", "canary")
        before = "base" if with_base else None
        if with_base:
            desk.skills["team"] = [skill(BASE)]
            desk.sync(START)
        state = skill(*[BASE] * with_base, ("canary", "canary", share))
        desk.skills["team"] = [state]
        for number in range(60):
            now = START + timedelta(days=number)
            if number in skipped:
                continue
            desk.busy = {desk.targets[0]} if number in busy else set()
            was = desk.holds()
            desk.sync(now)
            assert state.current is not None
            wanted = "canary" if treated("c", "git", state.current, block(now), share) else before
            assert desk.holds()[1] == wanted
            assert desk.holds()[0] == (was[0] if number in busy else wanted)
            desk.sync(now)
            assert desk.holds()[1] == wanted, "a second look on the same day changes nothing"


def test_what_is_told_on_a_day_without_it(desk: Desk) -> None:
    desk.skills["team"] = [skill(CANARY)]
    desk.sync(ON[0])
    assert desk.holds() == ["canary", "canary"]
    report = desk.sync(OFF[0])
    assert desk.holds() == [None, None]
    assert {change.action for change in report.changes} == {"withheld"}
    assert report.lines()[0].startswith("Withheld team/git in ")
    assert "withheld today (control)" in report.lines()[0]
    (row,) = desk.library.status()
    assert (row.state, row.target, row.hub) == ("withheld", "", "team")
    assert "withheld today (control)" in row.detail
    desk.skills["team"] = [skill(BASE, CANARY)]
    desk.sync(OFF[0])
    rows = desk.library.status()
    assert [row.state for row in rows] == ["installed", "installed"]
    assert all("withheld today (control); the version before it" in row.detail for row in rows)
    desk.sync(ON[0])
    assert [row.detail for row in desk.library.status()] == ["", ""]


def test_only_the_arm_waits_for_sessions_and_only_where_they_run(desk: Desk) -> None:
    desk.skills["team"] = [skill(BASE, CANARY)]
    desk.sync(ON[0])
    desk.busy = {desk.targets[0]}
    report = desk.sync(OFF[0])
    assert desk.holds() == ["canary", "base"]
    assert "waits for running sessions (Claude Code)" in "\n".join(report.lines())
    first = next(row for row in desk.library.status() if row.target == str(desk.targets[0]))
    assert "waits for running sessions" in first.detail
    assert [row.state for row in desk.library.canaries()] == ["waiting"]
    desk.busy = set()
    desk.sync(OFF[0])
    assert desk.holds() == ["base", "base"]
    assert [row.state for row in desk.library.canaries()] == ["withheld"]


@pytest.mark.parametrize("what", ["promoted", "rolled back", "rolled back to nothing", "revoked"])
def test_a_commit_never_waits(desk: Desk, what: str) -> None:
    state = skill(BASE, CANARY)
    desk.skills["team"] = [skill(BASE)]
    desk.sync(OFF[0])
    desk.skills["team"] = [state]
    desk.sync(OFF[0] if what == "promoted" else ON[0])
    desk.busy = set(desk.targets)
    base, canary = state.releases
    wanted: str | None = None
    match what:
        case "promoted":
            desk.skills["team"], wanted = [promoted(state)], "canary"
        case "rolled back":
            desk.skills["team"], wanted = [replace(state, current=base.version, stage="stable")], "base"
        case "rolled back to nothing":
            desk.skills["team"] = [replace(state, current=None, stage="archived")]
        case _:
            gone = [base, replace(canary, stage="revoked")]
            desk.skills["team"] = [replace(state, current=None, stage="revoked", releases=gone)]
    desk.sync(ON[0])
    assert desk.holds() == [wanted, wanted]


def test_a_canary_never_comes_under_a_session_either(desk: Desk) -> None:
    desk.skills["team"] = [skill(CANARY)]
    desk.busy = set(desk.targets)
    desk.sync(ON[0])
    assert desk.holds() == [None, None]
    desk.busy = set()
    desk.sync(ON[0])
    assert desk.holds() == ["canary", "canary"]


def test_an_edited_copy_is_in_neither_arm(desk: Desk) -> None:
    desk.skills["team"] = [skill(BASE, CANARY)]
    desk.sync(ON[0])
    desk.edit("my way")
    for day in (OFF[0], ON[1], OFF[1]):
        report = desk.sync(day, auto_merge=True)
        assert desk.holds()[0] == "my way"
        assert "edited" not in {change.action for change in report.changes}, "there is nothing to merge"
    (row,) = desk.library.merge("git", desk.views(OFF[1]), lambda one: [], write=False)
    assert row.state == "nothing"
    desk.skills["team"] = [skill(BASE)]
    desk.sync(ON[0])
    assert desk.holds() == ["my way", "base"]


def test_an_edited_copy_of_what_was_before_gets_what_stays_and_no_canary(desk: Desk) -> None:
    desk.skills["team"] = [skill(("older", "stable", None))]
    desk.sync(ON[0])
    desk.edit("older\nmy line")
    desk.skills["team"] = [skill(("older", "stable", None), BASE, CANARY)]
    for day in (ON[0], OFF[0]):
        (edited,) = [change for change in desk.sync(day).changes if change.action == "edited"]
        assert edited.version == versions("base")[0]


def test_what_the_user_took_away_stays_away(desk: Desk) -> None:
    desk.skills["team"] = [skill(CANARY)]
    desk.sync(ON[0])
    for target in desk.targets:
        (target / "git" / "SKILL.md").unlink()
        (target / "git").rmdir()
    for day in (OFF[0], ON[1], OFF[1], ON[2]):
        desk.sync(day)
        assert desk.holds() == [None, None]
    desk.library.accept("git")
    desk.sync(ON[2])
    assert desk.holds() == ["canary", "canary"]
    desk.sync(OFF[0])
    desk.library.uninstall("git")  # while it is withheld
    desk.sync(ON[0])
    assert desk.holds() == [None, None]


def test_a_withheld_canary_keeps_the_name_from_other_hubs(desk: Desk) -> None:
    desk.skills = {"team": [skill(CANARY)], "late": [skill(("other", "stable", None))]}
    for day, wanted in ((ON[0], "canary"), (OFF[0], None), (ON[1], "canary")):
        desk.sync(day)
        assert desk.holds() == [wanted, wanted]
    desk.sync(OFF[0])
    desk.unread = {"team"}
    desk.sync(OFF[0])
    assert desk.holds() == [None, None], "nor when the first cannot be read"
    desk.unread = set()
    desk.skills["team"] = [replace(skill(CANARY), current=None, stage="archived")]
    desk.sync(OFF[0])
    assert desk.holds() == ["other", "other"]


def test_who_takes_no_part_has_the_release_before_it(desk: Desk) -> None:
    desk.skills["team"] = [skill(BASE, CANARY)]
    desk.sync(ON[0])
    desk.canaries = False
    for day in (ON[0], OFF[0]):
        desk.sync(day)
        assert desk.holds() == ["base", "base"]
    desk.skills = {"team": [skill(CANARY)], "late": [skill(("other", "stable", None))]}
    desk.sync(ON[0])
    assert desk.holds() == ["other", "other"], "where there is none, the canary is as if it were not"


def test_a_hub_that_cannot_be_read_changes_no_arm(desk: Desk) -> None:
    desk.skills["team"] = [skill(BASE, CANARY)]
    desk.sync(ON[0])
    desk.unread = {"team"}
    desk.sync(OFF[0])
    assert desk.holds() == ["canary", "canary"]


@pytest.mark.parametrize("saves", range(3))
def test_a_process_that_dies_while_it_withholds_loses_nothing(
    desk: Desk, saves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.skills["team"] = [skill(CANARY)]
    desk.sync(ON[0])
    real = book.save
    done: list[int] = []

    def save(*args: object, **more: object) -> None:
        if len(done) == saves:
            raise KeyboardInterrupt
        done.append(1)
        real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(book, "save", save)
    with pytest.raises(KeyboardInterrupt):
        desk.sync(OFF[0])
    monkeypatch.undo()
    for day, wanted in ((OFF[0], None), (ON[1], "canary"), (OFF[1], None), (ON[2], "canary")):
        desk.sync(day)
        assert desk.holds() == [wanted, wanted]
        assert {row.state for row in desk.library.status()} == {"installed" if wanted else "withheld"}


@given(
    stages=st.lists(st.sampled_from(["stable", "canary", "revoked"]), min_size=1, max_size=4),
    shares=st.lists(st.none() | st.floats(0, 1), min_size=4, max_size=4),
    day=st.integers(0, 400),
    canaries=st.booleans(),
)
def test_a_choice_is_the_current_canary_or_what_lies_below_all_of_them(
    stages: list[str], shares: list[float | None], day: int, canaries: bool
) -> None:
    texts = [f"text {n}" for n in range(len(stages))]
    one = skill(*zip(texts, stages, shares[: len(texts)], strict=True))
    at = block(START + timedelta(days=day))
    view = HubView(
        name="t", state=None, fetch=lambda r: bundle(""), client="c", canary=1.0, day=at, canaries=canaries
    )
    found = choose(one, view, has_copy=False)
    current = one.releases[-1]
    by_switchback = current.stage == "canary" and current.share is not None
    for release in reversed(one.releases):
        if (
            by_switchback
            and release is not current
            and release.stage == "canary"
            and release.share is not None
        ):
            continue
        here = release.stage != "canary" or (
            canaries and (release.share is None or treated("c", "git", release.version, at, release.share))
        )
        if here:
            assert found.release == (None if release.stage == "revoked" else release)
            break
    else:
        assert found.release is None
    assert bool(found.arm) == by_switchback
    if found.arm in ("treated", "control"):
        assert (found.arm == "treated") == (found.release == current)
        assert current.version in found.among
        assert not found.swaps(found.release.version if found.release else "")
        assert found.for_edited(current.version) is None
    elif found.release is not None:
        assert not found.swaps("")


def test_a_canary_on_top_of_a_canary_has_what_is_below_both_as_control(desk: Desk) -> None:
    desk.skills["team"] = [skill(BASE, CANARY)]
    desk.sync(ON[0])
    assert desk.holds() == ["canary", "canary"]
    desk.skills["team"] = [skill(BASE, CANARY, ("other", "canary", 0.5))]
    version = versions("other")[0]
    for number in range(1, 40):
        now = ON[0] + timedelta(days=number)
        desk.sync(now)
        wanted = "other" if treated("c", "git", version, block(now), 0.5) else "base"
        assert desk.holds() == [wanted, wanted]
    desk.skills["team"] = [replace(desk.skills["team"][0], current=versions("canary")[0])]
    for now in (ON[-1], OFF[-1]):
        desk.sync(now)
        assert desk.holds() == ["canary" if now == ON[-1] else "base"] * 2, (
            "back to the first, by its own days"
        )


def test_an_old_canary_is_as_before() -> None:
    one = skill(BASE, ("canary", "canary", None))
    for share, text in ((0.0, "base"), (1.0, "canary")):
        for day in (ON[0], OFF[0]):
            view = HubView(
                name="t",
                state=HubState(group="t", seq=1, head=""),
                fetch=lambda r: bundle(""),
                client="c",
                canary=share,
                day=block(day),
            )
            found = choose(one, view, has_copy=True)
            assert found.release is not None
            assert (found.release.version, found.arm) == (versions(text)[0], "")
            assert not found.swaps(versions("base")[0])
