"""Sessions held out of mining: how many, whose, which; and that they have no part in what is proposed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from made_sessions import made, sh

from skillclaw.evolve.cutting import cut_session, pack
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers.extractive import EVOLVER
from skillclaw.evolve.holdout import SHARE, Hold, kept_apart
from skillclaw.evolve.mine import Mined, mine_state
from skillclaw.evolve.state import EvolveState
from skillclaw.gate import GateContext, policy
from skillclaw.journal.redact import Redactor
from skillclaw.skills.records import Pattern, Proposal
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.model import SessionMeta, Trajectory

NOW = datetime(2026, 11, 27, tzinfo=UTC)
HOLD = Hold(sessions=3, users=1)
USERS = "abcd"


def day(session: Trajectory, number: int) -> Trajectory:
    first, *rest = session.steps
    stamped = msgspec.structs.replace(first, timestamp=f"2026-11-{1 + number:02}T09:00:00Z")
    return msgspec.structs.replace(session, steps=[stamped, *rest])


def npm(number: int, *, words: str = "run the tests of the shop", fix: str = "npm ci") -> Trajectory:
    known = SessionMeta(
        key=f"s{number:02}", user=USERS[number % len(USERS)], source="history", outcome="success"
    )
    turns = (
        sh("npm test", "Error: Cannot find module 'left-pad'", 1),
        sh(fix, "added 12 packages"),
        sh("npm test", "12 passing"),
    )
    return day(made(words, *turns, meta=known), number)


def corrected(number: int, said: str = "no, use pnpm here instead of npm") -> Trajectory:
    known = SessionMeta(
        key=f"c{number:02}", user=USERS[number % len(USERS)], source="history", outcome="success"
    )
    turns = (sh("npm install zod", "added"), said, sh("pnpm add zod", "added"), "thanks, that is right")
    return day(made("add the library zod to the shop", *turns, meta=known), number)


def mined(
    sessions: Iterable[Trajectory], hold: Hold | None = HOLD, state: EvolveState | None = None
) -> Mined:
    state = state or EvolveState(None)
    with state.writing():
        for session in sessions:
            state.take(pack(cut_session(session)))
    return mine_state(state, now=NOW, half_life_days=180, hold=hold)


def proposed(sessions: Mapping[str, Trajectory], found: Mined) -> list[Proposal]:
    context = GateContext(
        policy=policy("solo"),
        redactor=Redactor(b"k" * 32, home=Path("/h"), user_names=()),
        sessions=sessions.get,
    )
    given = EvolveContext(policy=context.policy, now=NOW, gate=context, mined=found.patterns, work=found.work)
    return EVOLVER.propose(found.patterns, {}, given)


def held(patterns: Iterable[Pattern]) -> set[str]:
    return {ref.session for pattern in patterns for ref in pattern.held_out}


def episode(user: str, session: str, when: str) -> Episode:
    return Episode(
        kind="procedure",
        session=session,
        user=user,
        agent="codex",
        model="m",
        day=when,
        project="",
        success=True,
        topic="",
        intent="",
        steps=[],
    )


EPISODES = st.lists(
    st.builds(
        episode,
        st.sampled_from(["ana", "ben", "cleo", "dan"]),
        st.integers(0, 60).map(str),
        st.integers(1, 28).map(lambda n: f"2026-11-{n:02}"),
    ),
    max_size=40,
    unique_by=lambda e: (e.user, e.session),
)


@given(episodes=EPISODES, order=st.randoms(use_true_random=False))
def test_who_and_when_decide_and_at_most_three_of_ten_are_held_out(
    episodes: list[Episode], order: object
) -> None:
    out = kept_apart("failure:npm test", episodes)
    assert len(out) == int(SHARE * len(episodes) + 1e-9)
    shuffled = list(episodes)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert kept_apart("failure:npm test", shuffled) == out
    whole = Counter(e.user for e in episodes)
    gone = Counter(user for user, _ in out)
    left = [e for e in episodes if (e.user, e.session) not in out]
    newest = [e for e in episodes if (e.user, e.session) in out and gone[e.user] < whole[e.user]]
    if left and newest:
        assert max(e.day for e in left) <= max(e.day for e in episodes)
        assert min(e.day for e in newest) >= max(e.day for e in left), (
            "what is not of a whole person is newest"
        )


def test_with_many_people_some_are_held_out_whole() -> None:
    episodes = [episode(f"u{n // 2}", str(n), f"2026-11-{1 + n % 20:02}") for n in range(40)]
    out = kept_apart("failure:npm test", episodes)
    gone = Counter(user for user, _ in out)
    assert sum(count == 2 for count in gone.values()) >= 3
    assert out != kept_apart("failure:git push", episodes), "other people for another lesson"


def test_nothing_is_held_out_where_replay_is_off() -> None:
    found = mined([npm(n) for n in range(12)], hold=None)
    assert found.patterns and not held(found.patterns)
    assert found.patterns[0].sessions == 12


def test_what_is_held_out_is_no_evidence_and_shows_the_same() -> None:
    (pattern,) = [p for p in mined([npm(n) for n in range(12)]).patterns if p.kind == "recovery"]
    assert len(pattern.held_out) == 3 and pattern.sessions == 9
    assert not held([pattern]) & {ref.session for ref in pattern.evidence}
    assert all(ref.steps == [2, 3, 4] for ref in pattern.held_out)


def test_a_lesson_that_is_too_thin_is_kept_whole() -> None:
    (pattern,) = [p for p in mined([npm(n) for n in range(4)], Hold(sessions=4, users=1)).patterns]
    assert (pattern.sessions, pattern.held_out) == (4, [])
    few = mined([npm(n) for n in range(12)], Hold(sessions=3, users=4)).patterns
    assert all(p.users >= 4 for p in few), "nor do too few people stay"


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=60)
OPTION = re.compile(r"(^|\W)-")
"""What may name an option: then another lesson is told, which holds out sessions of its own."""


@settings(max_examples=examples(8), deadline=None)
@given(words=WORDS, fixes=st.permutations(["npm install", "rm -rf node_modules", "npm cache clean", "yarn"]))
def test_what_held_out_sessions_say_changes_no_byte_of_a_proposal(words: str, fixes: list[str]) -> None:
    """Each says something else: what several of them agreed on would be a lesson of its own, taken whole."""
    sessions = {f"s{n:02}": npm(n) for n in range(14)}
    before = mined(sessions.values())
    out = held(before.patterns)
    assert len(out) == 4
    others = dict(sessions)
    for key, fix in zip(sorted(out), fixes, strict=True):
        others[key] = npm(int(key[1:]), words=f"run the tests of the shop {words}", fix=fix)
    after = mined(others.values())
    assert bare(proposed(others, after)) == bare(proposed(sessions, before)) != []


@settings(max_examples=examples(8), deadline=None)
@given(said=WORDS.filter(lambda said: not OPTION.search(said)))
def test_nor_does_what_their_users_said(said: str) -> None:
    sessions = {f"c{n:02}": corrected(n) for n in range(14)}
    before = mined(sessions.values())
    (pattern,) = [p for p in before.patterns if p.kind == "correction"]
    out = held([pattern])
    assert len(out) == 4
    others = {
        key: corrected(int(key[1:]), f"no, use pnpm here instead of npm, {said}") if key in out else session
        for key, session in sessions.items()
    }
    after = mined(others.values())
    assert bare(proposed(others, after)) == bare(proposed(sessions, before)) != []


def bare(proposals: list[Proposal]) -> list[bytes]:
    """The bytes of proposals, without the list of what is held out."""
    return [
        msgspec.json.encode(
            msgspec.structs.replace(
                one, patterns=[msgspec.structs.replace(p, held_out=[]) for p in one.patterns]
            )
        )
        for one in proposals
    ]


@pytest.mark.parametrize("step", [1, 5])
def test_cycles_one_after_the_other_find_what_one_does(step: int) -> None:
    sessions = [npm(n) for n in range(15)] + [corrected(n) for n in range(15)]
    state = EvolveState(None)
    for at in range(0, len(sessions), step):
        last = mined(sessions[at : at + step], state=state)
    assert msgspec.json.encode(last.patterns) == msgspec.json.encode(mined(sessions).patterns)


def test_switching_it_on_and_off_leaves_nothing_behind() -> None:
    sessions, state = [npm(n) for n in range(12)], EvolveState(None)
    plain = msgspec.json.encode(mined(sessions, None, state).patterns)
    assert held(mined([], HOLD, state).patterns)
    assert msgspec.json.encode(mined([], None, state).patterns) == plain
