"""What a cycle reads: one form of each session."""

from __future__ import annotations

import itertools

from skillclaw.evolve.corpus import read_corpus
from skillclaw.trajectory.model import Agent, SessionMeta, Step, Trajectory, with_meta


def revision(number: int, user: str = "a", outcome: str = "success") -> Trajectory:
    steps = [Step(step_id=1, source="user", message=f"ask number {number}")]
    made = Trajectory(schema_version="ATIF-v1.8", agent=Agent(name="x", version="1"), steps=steps)
    known = SessionMeta(key="0" * 16, user=user, revision=number, outcome=outcome)  # type: ignore[arg-type]
    return with_meta(made, known)


def test_only_the_highest_revision_of_a_session_counts_in_any_order() -> None:
    for order in itertools.permutations((1, 2, 3)):
        corpus = read_corpus([revision(n) for n in order], lambda *_: None)
        assert corpus.sessions == 1
        assert {episode.intent for episode in corpus.procedures} <= {"ask number 3"}
        assert corpus.episodes == read_corpus([revision(3)], lambda *_: None).episodes


def test_one_key_of_two_users_is_two_sessions() -> None:
    assert read_corpus([revision(1), revision(1, user="b")], lambda *_: None).sessions == 2
