"""What a skill did: sessions that read it against the same task without it."""

from __future__ import annotations

from skillclaw.evolve.effects import SkillEffect, effects, skill_tables
from skillclaw.trajectory.episodes import Episode


def skill_effects(episodes: list[Episode]) -> list[SkillEffect]:
    # In two parts, as two families of tasks would give them.
    asks = sorted({e.request for e in episodes})
    parts = [[e for e in episodes if e.request == ask] for ask in asks]
    return effects(skill_tables(part, lambda e: e.request) for part in parts)


def request(
    number: int,
    success: bool | None,
    *skills: str,
    offered: tuple[str, ...] = (),
    model: str = "m",
    ask: str = "release it",
) -> Episode:
    return Episode(
        kind="procedure", session=f"s{number}", user=f"u{number % 3}", agent="a", model=model, day="",
        project="", success=success, topic="", intent=ask, steps=[], skills=tuple(skills), offered=offered,
    )  # fmt: skip


def test_sessions_with_a_version_are_compared_with_the_same_task_without_the_skill() -> None:
    made = [request(n, n % 4 > 0, "release@abc", model=f"m{n % 2}") for n in range(24)]
    made += [request(30 + n, n % 4 == 0, offered=("release",), model=f"m{n % 2}") for n in range(24)]
    made += [request(60 + n, True, "release@old") for n in range(3)]
    new, old = skill_effects(made)
    assert (new.skill, new.version, new.users) == ("release", "abc", 3)
    assert (new.with_n, new.with_success, new.without_n, new.without_success) == (24, 18, 24, 6)
    assert new.offered_n == 24
    assert new.strata == 2
    assert new.odds_ratio is not None
    assert new.ci is not None
    assert new.ci[0] > 1
    # Of the old version nothing is known but its successes, in strata of its own.
    assert (old.version, old.with_n, old.without_n) == ("old", 3, 0)


def test_who_read_another_version_is_no_control() -> None:
    made = [request(n, True, "release@new") for n in range(4)]
    made += [request(10 + n, True, "release@old") for n in range(5)]
    made += [request(20 + n, False, "notes@one") for n in range(6)]
    found = {e.version: e.without_n for e in skill_effects(made) if e.skill == "release"}
    assert found == {"new": 6, "old": 6}


def test_what_cannot_be_compared_is_not_measured() -> None:
    made = [request(n, True, "release") for n in range(5)] + [request(9, False, ask="write the minutes")]
    (only,) = skill_effects(made)
    assert (only.version, only.without_n, only.strata) == (None, 0, 0)
    assert (only.odds_ratio, only.ci, only.p) == (None, None, None)


def test_a_session_counts_once_and_without_an_outcome_not_at_all() -> None:
    made = [request(1, True, "release"), request(1, True, "release"), request(2, None, "release")]
    (only,) = skill_effects(made)
    assert only.with_n == 1


def test_a_scope_in_a_name_is_no_version() -> None:
    (only,) = skill_effects([request(1, True, "@team/release")])
    assert (only.skill, only.version) == ("@team/release", None)
    (versioned,) = skill_effects([request(1, True, "@team/release@f00")])
    assert (versioned.skill, versioned.version) == ("@team/release", "f00")
