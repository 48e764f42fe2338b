"""Format 2 of the log: written only where one of its fields is, so that who reads format 1 goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from examples import examples
from hub_logs import opened
from hypothesis import given, settings
from hypothesis import strategies as st
from test_hub_log import OBJECT, SEEDS, V1, V2, Writer

from skillclaw.errors import UpgradeNeededError
from skillclaw.hub import HubState, keys, kinds, log
from skillclaw.hub.story import MOST
from skillclaw.skills.records import Effect

EFFECT = msgspec.to_builtins(
    Effect(endpoint="outcome", treated_n=40, control_n=38, difference=0.12, ci=(0.01, 0.23), clients=4)
)
BASE = {"skill": "git", "base": V1}
NEWER: list[tuple[str, dict[str, Any], str]] = [
    (
        "release",
        {"skill": "git", "version": V2, "base": V1, "object": OBJECT, "stage": "canary", "share": 1},
        "",
    ),
    ("promote", {**BASE, "version": V1, "stage": "unproven", "why": "Time is over."}, ""),
    ("promote", {**BASE, "version": V1, "stage": "unproven", "effect": EFFECT}, ""),
    ("rollback", {**BASE, "version": None, "why": "It harms."}, ""),
    ("rollback", {**BASE, "version": None, "effect": EFFECT}, ""),
    ("archive", {**BASE, "why": "Nobody uses it."}, ""),
    ("approval", {"proposal": "p1", "note": "I tried it."}, "owner"),
    ("settings", {"reviewers": 2}, "owner"),
    ("settings", {"policies": {"git": "strict"}}, "owner"),
]


def writer() -> Writer:
    w = Writer()
    w.must("release", {"skill": "git", "version": V1, "base": None, "object": OBJECT})
    w.propose("p1", V2, V1, "held")
    return w


@pytest.mark.parametrize(("kind", "body", "role"), NEWER)
def test_each_new_field_is_of_format_2_and_nothing_else_is(
    kind: str, body: dict[str, Any], role: str
) -> None:
    w, role = writer(), role or "evolver"
    older = {name: value for name, value in body.items() if name not in kinds.LATER[kind]}
    assert (kinds.format_of(kind, body), kinds.format_of(kind, older)) == (2, 1)
    if kind != "settings":  # there a key that nobody knows was always allowed
        assert "format 2" in w.add(w.entry(kind, body, SEEDS[role], v=1))
    assert "format 1" in w.add(w.entry(kind, older, SEEDS[role], v=2))
    w.must(kind, body, role)
    w.replay()


def test_who_reads_format_1_goes_on_until_format_2_comes_and_stops_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = opened(tmp_path)
    body = {"skill": "git", "version": V1, "base": None, "object": OBJECT, "stage": "canary"}
    hub.commit("release", body)
    with monkeypatch.context() as older:
        older.setattr(log, "FORMAT", 1)
        assert opened(tmp_path, "old").state() == hub.state()
    hub.promote("git", why="It helps.", role="owner")  # what only an owner begins
    assert hub.state().skills["git"].stage == "stable"
    with monkeypatch.context() as older:
        older.setattr(log, "FORMAT", 1)
        with pytest.raises(UpgradeNeededError, match="Upgrade needed") as told:
            opened(tmp_path, "old").state()
        assert "format 2; this version reads 1" in told.value.why
    assert opened(tmp_path, "new").state() == hub.state()


def test_a_setting_that_format_1_did_not_know_says_nothing_in_format_1() -> None:
    w = writer()
    body = {"reviewers": 2, "policies": "what not", "hosts": ["a"]}
    assert w.add(w.entry("settings", body, SEEDS["owner"], v=1)) == ""
    assert w.state.settings == {"hosts": ["a"]}
    for wrong in ({"reviewers": 3}, {"policies": {"git": "lax"}}, {"policies": {"../x": "team"}}):
        assert "body is wrong" in w.try_("settings", wrong, "owner")


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("release", {"share": 1.5}),
        ("release", {"share": 0.5, "stage": "stable"}),
        ("release", {"share": "half"}),
        ("promote", {"why": "x" * 501}),
        ("promote", {"effect": {**EFFECT, "method": "x" * 501}}),
        ("promote", {"effect": {**EFFECT, "treated_n": -1}}),
        ("promote", {"effect": {**EFFECT, "endpoint": "luck"}}),
        ("approval", {"note": "x" * 501}),
    ],
)
def test_a_field_that_cannot_be_makes_its_commit_void(kind: str, changed: dict[str, Any]) -> None:
    w = writer()
    body = next(dict(body) for named, body, _ in NEWER if named == kind)
    assert w.try_(kind, {**body, **changed}, "owner") != ""
    w.must(kind, body, "owner")


def test_the_story_of_a_version_says_who_when_what_why_and_with_what_effect() -> None:
    w = writer()
    canary = {"skill": "git", "version": V2, "base": V1, "object": OBJECT, "stage": "canary", "share": 0.25}
    w.must("release", canary)
    w.must("promote", {"skill": "git", "version": V2, "base": V2, "why": "It helps.", "effect": EFFECT})
    w.must("rollback", {"skill": "git", "version": V1, "base": V2, "why": "Or not."}, "reviewer")
    w.must("revoke", {"skill": "git", "version": V2, "why": "A key in it."}, "owner")
    w.must("archive", {"skill": "git", "base": V1, "why": "Nobody uses it."})
    skill = w.replay().skills["git"]
    old, new = skill.release(V1), skill.release(V2)
    assert old is not None and new is not None
    assert (new.share, new.began, new.stage) == (0.25, "canary", "revoked")
    assert [(one.what, one.why, w.state.keys[one.by].role) for one in new.story] == [
        ("promote", "It helps.", "evolver"),
        ("rollback", "Or not.", "reviewer"),
        ("revoke", "A key in it.", "owner"),
    ]
    assert new.story[0].effect == msgspec.convert(EFFECT, Effect)
    assert new.story[1].to == V1
    assert [(one.what, one.to, one.why) for one in old.story] == [
        ("return", V2, ""),
        ("archive", None, "Nobody uses it."),
    ]


def test_a_story_keeps_the_newest_events() -> None:
    w = writer()
    w.must("release", {"skill": "git", "version": V2, "base": V1, "object": OBJECT})
    for n in range(2 * MOST):
        to, base = (V1, V2) if n % 2 == 0 else (V2, V1)
        w.must("rollback", {"skill": "git", "version": to, "base": base, "why": f"turn {n}"}, "owner")
    story = w.replay().skills["git"].release(V2).story  # type: ignore[union-attr]
    assert len(story) == MOST
    assert story[-1].what == "return"
    assert story[-2].why == f"turn {2 * MOST - 2}"


STEPS = st.lists(
    st.tuples(st.sampled_from(range(len(NEWER))), st.sampled_from(sorted(SEEDS)), st.sampled_from([1, 2]))
)


@settings(max_examples=examples(60), deadline=None)
@given(STEPS)
def test_whatever_comes_in_whatever_format_all_fold_the_same_from_any_point(
    steps: list[tuple[int, str, int]],
) -> None:
    w = writer()
    for which, role, version in steps:
        kind, body, _ = NEWER[which]
        w.add(w.entry(kind, body, SEEDS[role], v=version))
    state = w.replay()
    assert state == w.state
    assert msgspec.json.decode(msgspec.json.encode(state), type=HubState) == state, "as in a checkpoint"
    assert all(one.began is not None and one.by in state.keys for one in state.skills["git"].releases)


def test_hub_json_has_a_format_of_its_own(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    path = tmp_path / "hub" / "hub.json"
    path.write_bytes(msgspec.json.encode({"v": 2, **msgspec.json.decode(path.read_bytes())}))
    with pytest.raises(UpgradeNeededError, match="newer format"):
        opened(tmp_path, "new")
    assert keys.load(tmp_path / "me" / "keys", hub.info.group, "owner") is not None
