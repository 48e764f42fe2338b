"""Planted lessons: the truth about them is exact, and scoring goes by identity, not by words."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import msgspec
import pytest

from skillclaw.bench import planted_score
from skillclaw.bench.planted import measure
from skillclaw.bench.planted_lessons import MODELS, chance, says
from skillclaw.bench.planted_score import measure_planted, score
from skillclaw.bench.planted_world import (
    FREQUENCIES,
    LESSONS,
    SLATES,
    Truth,
    World,
    noise_world,
    planted_world,
    power,
)
from skillclaw.evolve.mine import Mined
from skillclaw.evolve.statistics import Table, mantel_haenszel
from skillclaw.skills.records import ActionShape, Pattern, Ref
from skillclaw.trajectory.episodes import cut
from skillclaw.trajectory.feedback import corrects
from skillclaw.trajectory.model import Trajectory, encode, meta, text_of


def quiet(done: int, total: int | None, what: str) -> None:
    del done, total, what


@pytest.fixture(scope="module")
def world() -> World:
    return planted_world(0, 240, 2)


def by_key(sessions: Iterable[Trajectory]) -> dict[str, Trajectory]:
    return {meta(t).key: t for t in sessions}


def pattern(truth: Truth, sessions: Iterable[str], *, mark: str | None = None, kind: str = "") -> Pattern:
    """What a miner could say of the lesson, citing these sessions."""
    said = truth.lesson.mark if mark is None else mark
    shape = ActionShape(tool="Bash", command=f"{said} <value>") if " " in said else ActionShape(tool=said)
    name = kind or truth.lesson.kind
    return Pattern(
        id=f"{name}-{said}-{len(truth.roles)}",
        kind=name,
        title="whatever",
        topic="t",
        signature="s",
        failed=shape if name == "pitfall" else None,
        actions=[shape],
        evidence=[Ref(session=s, user="u", agent="a", day="") for s in sorted(sessions)],
    )


def test_all_four_kinds_are_planted_over_shell_files_http_and_functions() -> None:
    made = {(lesson.kind, lesson.via) for lesson in LESSONS}
    kinds = {"recovery", "procedure", "pitfall", "correction"}
    assert made == {(k, v) for k in kinds for v in ("shell", "file", "http", "function")}
    assert len({lesson.name for lesson in LESSONS}) == len(LESSONS)


def test_lessons_hold_the_share_of_the_sessions_that_their_frequency_says(world: World) -> None:
    assert {f for slate in SLATES for f in slate} == set(FREQUENCIES)
    assert all(sum(slate) < 0.8 for slate in SLATES)
    assert len(world.sessions) == 240
    for truth in world.truths:
        assert len(truth.roles) == round(truth.frequency * 240)


def test_a_session_holds_one_lesson_at_most(world: World) -> None:
    held = [key for truth in world.truths for key in truth.roles]
    assert len(held) == len(set(held))
    assert set(held) < set(by_key(world.sessions))


def test_the_same_seed_gives_the_same_sessions_and_another_gives_others(world: World) -> None:
    again = planted_world(0, 240, 2)
    assert [encode(t) for t in again.sessions] == [encode(t) for t in world.sessions]
    assert again.truths == world.truths
    other = planted_world(1, 240, 2)
    assert [encode(t) for t in other.sessions] != [encode(t) for t in world.sessions]


@pytest.mark.parametrize("seed", range(3))
def test_evidence_shows_its_lesson_in_the_session(seed: int) -> None:
    made = planted_world(seed, 240, 2)
    sessions = by_key(made.sessions)
    for truth in made.truths:
        for key in truth.evidence:
            moves = [m for e in cut(sessions[key]) if e.kind == "procedure" for m in e.actions]
            about = [m for m in moves if says_move(truth, m.tool, m.command)]
            assert about, truth.lesson.name
            if truth.lesson.kind == "pitfall":
                assert any(m.ok is False for m in about)
                assert meta(sessions[key]).outcome == "failure"
            else:
                assert about[-1].ok
            if truth.lesson.kind == "procedure":
                assert meta(sessions[key]).outcome == "success"
            if truth.lesson.kind == "recovery":
                assert any(m.ok is False for m in moves)
            if truth.lesson.kind == "correction":
                told = [text_of(s.message) for s in sessions[key].steps[1:] if s.source == "user"]
                assert len(told) == 1
                assert corrects(told[0])


def says_move(truth: Truth, tool: str, command: str) -> bool:
    mark = truth.lesson.mark
    return command.startswith(mark) if command else tool == mark


def test_every_lesson_varies_in_users_and_models() -> None:
    made = planted_world(3, 640, 1)
    sessions = by_key(made.sessions)
    for truth in made.truths:
        if len(truth.roles) >= 30:
            assert len({meta(sessions[k]).user for k in truth.roles}) >= 5
            assert len({sessions[k].agent.model_name for k in truth.roles}) == len(MODELS)
            assert truth.supported


def test_in_noise_the_strong_model_succeeds_whatever_it_does() -> None:
    made = [t for seed in range(6) for t in noise_world(seed, 320).sessions]
    done = {True: [0, 0], False: [0, 0]}
    for t in made:
        own = "sales.export_sheet" in [c.function_name for s in t.steps for c in s.tool_calls or []]
        if t.agent.model_name == "model-a" and meta(t).outcome != "unknown":
            done[own][0] += meta(t).outcome == "success"
            done[own][1] += 1
    shares = {own: good / n for own, (good, n) in done.items()}
    assert abs(shares[True] - shares[False]) < 0.1
    rest = [meta(t).outcome == "success" for t in made if t.agent.model_name != "model-a"]
    assert shares[True] > sum(rest) / len(rest) + 0.2
    assert sum(meta(t).outcome == "unknown" for t in made) > 0.1 * len(made)


def test_no_remark_is_made_by_three_users_of_one_data_set() -> None:
    made = noise_world(2, 640)
    said = [text_of(s.message) for t in made.sessions for s in t.steps[1:] if s.source == "user"]
    assert len(said) > 10
    assert all(said.count(text) <= 2 for text in said)


def test_power_is_that_of_the_test_which_mining_uses() -> None:
    groups, rates, alpha = [(12, 10), (9, 14), (11, 11)], (0.85, 0.4), 0.01
    random = Random(1)
    passed = 0
    for _ in range(300):
        tables = []
        for (first, second), model in zip(groups, MODELS, strict=True):
            a = sum(random.random() < chance(rates[0], model) for _ in range(first))
            c = sum(random.random() < chance(rates[1], model) for _ in range(second))
            tables.append(Table(a, first - a, c, second - c))
        found = mantel_haenszel(tables)
        passed += found.p is not None and found.p <= alpha and (found.odds_ratio or 9) > 1
    assert power(groups, rates, alpha) == pytest.approx(passed / 300, abs=0.1)


def test_power_grows_with_sessions_and_is_nothing_without_a_contrast() -> None:
    grown = [power([(n, n)] * 3, (0.8, 0.3), 0.005) for n in (2, 6, 20, 60)]
    assert grown == sorted(grown)
    assert grown[0] < 0.1
    assert grown[-1] > 0.99
    assert power([(50, 0)] * 3, (0.8, 0.3), 0.05) == 0.0
    assert power([(50, 50)] * 3, (0.5, 0.5), 0.05) < 0.08


def test_a_claim_about_success_is_due_only_with_power(world: World) -> None:
    for truth in world.truths:
        assert (truth.power is None) == (truth.lesson.kind in ("recovery", "correction"))
        few = truth._replace(roles=dict.fromkeys(list(truth.roles)[:4], "evidence"))
        assert not few.due
        assert not truth._replace(users=2).due
    large = next(t for t in planted_world(1, 640, 0).truths if t.frequency == 0.5)
    assert large.power is not None
    assert large.due
    assert not large._replace(power=0.79).due


def test_a_pattern_counts_by_the_sessions_that_it_cites(world: World) -> None:
    truth = max(world.truths, key=lambda t: len(t.evidence))
    alone = World(world.sessions, [truth])
    (exact,) = score([pattern(truth, truth.evidence)], alone).findings
    assert (exact.found, exact.exact, exact.overlap) == (True, True, 1.0)
    most = sorted(truth.evidence)[1:]
    (partial,) = score([pattern(truth, most)], alone).findings
    assert (partial.found, partial.exact) == (True, False)
    few = sorted(truth.evidence)[: len(truth.evidence) // 3]
    judged = score([pattern(truth, few)], alone)
    assert not judged.findings[0].found
    assert judged.invented == []


def test_the_right_words_over_the_wrong_sessions_are_invented(world: World) -> None:
    truth = max(world.truths, key=lambda t: len(t.evidence))
    others = sorted(set(by_key(world.sessions)) - set(truth.roles))[: len(truth.evidence)]
    judged = score([pattern(truth, others)], world)
    assert [p.kind for p in judged.invented] == [truth.lesson.kind]
    assert not any(f.found for f in judged.findings)


def test_the_right_sessions_with_the_wrong_action_or_kind_are_invented(world: World) -> None:
    truth = next(t for t in world.truths if t.lesson.kind == "recovery" and t.evidence)
    wrong = [pattern(truth, truth.evidence, mark="rm"), pattern(truth, truth.evidence, kind="correction")]
    judged = score(wrong, world)
    assert len(judged.invented) == 2
    assert not any(f.found for f in judged.findings)


def test_the_right_way_out_of_a_pitfall_is_no_invention(world: World) -> None:
    truth = next(t for t in world.truths if t.lesson.kind == "pitfall" and len(t.roles) > 5)
    ((kind, mark),) = truth.lesson.faces
    contrast = [k for k, role in truth.roles.items() if role == "contrast"]
    judged = score([pattern(truth, contrast, mark=mark, kind=kind)], world)
    assert judged.invented == []
    assert not any(f.found for f in judged.findings)


def mined(patterns: list[Pattern]) -> Mined:
    return Mined(sessions=0, episodes=0, patterns=patterns)


def test_a_miner_that_knows_the_truth_is_perfect_and_one_that_says_nothing_finds_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worlds = {}

    def planted(seed: int, sessions: int, slate: int) -> World:
        made = planted_world(seed, sessions, slate)
        worlds[id(made.sessions)] = made
        return made

    def oracle(sessions: list[Trajectory], **given: object) -> Mined:
        made = worlds.get(id(sessions))
        return mined([pattern(t, t.evidence) for t in made.truths if t.evidence] if made else [])

    monkeypatch.setattr(planted_score, "planted_world", planted)
    monkeypatch.setattr(planted_score, "mine", oracle)
    found = measure_planted(2, quiet, sizes=(80, 240), noise=20)
    assert (found["recall"], found["precision"], found["invented"]) == (1.0, 1.0, 0)
    assert found["membership"] == {"exact": 1.0, "overlap": 1.0, "pieces": 1.0}
    assert found["missed"] == []
    monkeypatch.setattr(planted_score, "mine", lambda sessions, **given: mined([]))
    nothing = measure_planted(2, quiet, sizes=(80, 240), noise=20)
    assert (nothing["recall"], nothing["precision"], nothing["invented"]) == (0.0, None, 0)
    assert len(nothing["missed"]) == nothing["due"] == found["due"] > 0


def test_what_comes_of_noise_is_invented(monkeypatch: pytest.MonkeyPatch) -> None:
    def dreamer(sessions: list[Trajectory], **given: object) -> Mined:
        cited = [Ref(session=meta(t).key, user="u", agent="a", day="") for t in sessions[:5]]
        dream = Pattern(id="d", kind="procedure", title="dream", topic="t", signature="s")
        return mined([msgspec.structs.replace(dream, evidence=cited)])

    monkeypatch.setattr(planted_score, "mine", dreamer)
    found = measure_planted(3, quiet, sizes=(80,), noise=20)
    assert (found["invented"], found["invented_noise"], found["precision"]) == (6, 3, 0.0)
    assert found["inventions"][0]["title"] == "dream"


def test_mining_finds_what_is_planted_and_invents_nothing() -> None:
    found = measure(1, quiet)
    assert {"recall", "precision", "invented", "seeds"} <= found.keys()
    assert found["seeds"] == 1
    assert found["recall"] >= 0.95
    assert found["invented"] == 0
    assert [row["frequency"] for row in found["by_frequency"]] == list(FREQUENCIES)
    assert sum(row["planted"] for row in found["by_lesson"]) == sum(len(s) for s in SLATES)


def test_an_action_is_told_by_its_whole_words() -> None:
    shape = ActionShape(tool="Bash", command="npm publishing <value>")
    made = Pattern(id="x", kind="recovery", title="", topic="", signature="", actions=[shape])
    assert not says(made, "recovery", "npm publish")
    assert says(made, "recovery", "npm publishing")
    assert not says(made, "pitfall", "npm publishing")
