"""What an autonomous author may see: the evidence of its target and nothing else, without who people are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
from authored import USERS, context, pattern, refs, skill, store, target

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.tried import Tried
from skillclaw.evolve.workspace import SESSIONS, files
from skillclaw.gate import policy
from skillclaw.skills.records import Bundle, File, Item


def test_it_holds_the_targets_patterns_with_numbers_and_the_sessions_they_cite() -> None:
    patterns = [pattern("p1"), pattern("p2", kind="pitfall", title="pnpm is not there")]
    everything = store([*patterns, pattern("zz")])
    found = files(target(patterns), context(everything))
    assert [p for p in found if p.startswith("patterns/")] == ["patterns/p1.md", "patterns/p2.md"]
    keys = {path.removeprefix("sessions/").removesuffix(".md") for path in found if "sessions/" in path}
    assert keys == {ref.session for p in patterns for ref in (*p.evidence, *p.contradictions)}
    text = found["patterns/p1.md"]
    for part in (
        "6 of 6 succeeded",
        "2 of 8",
        "18.00",
        "1.50 to 200.00",
        "CI=1 npm test",
        "p1003",
        "steps 3",
    ):
        assert part in text
    assert "In 1 sessions the same was done and it went wrong." in text
    assert "a line needs support by 3 sessions of 2 people" in found["target.md"]


def test_a_session_keeps_how_an_error_ends_and_says_what_came_back() -> None:
    text = files(target([pattern("p1")]), context(store([pattern("p1")])))["sessions/p1000.md"]
    assert "-> Bash: npm test" in text
    assert "<- (exit 1)" in text
    assert "Error: timed out after 30000 ms" in text
    assert "characters left out" in text
    assert len(text) < 4000


def test_nobodys_name_is_in_it() -> None:
    patterns = [pattern("p1")]
    whole = "\n".join(files(target(patterns), context(store(patterns))).values())
    assert not [user for user in USERS if user in whole]
    assert "user 1" in whole


def test_sessions_that_are_forgotten_are_not_there() -> None:
    patterns = [pattern("p1")]
    sessions = store(patterns)
    del sessions["p1002"]
    found = files(target(patterns), context(sessions))
    assert "sessions/p1002.md" not in found
    assert "sessions/p1001.md" in found


def test_of_many_sessions_it_holds_some_of_every_person_and_of_both_sides() -> None:
    patterns = [
        pattern(f"p{n}", evidence=refs(f"p{n}", 60), contradictions=refs(f"p{n}x", 9, success=False))
        for n in range(9)
    ]
    found = files(target(patterns), context(store(patterns)))
    sessions = [text for path, text in found.items() if path.startswith("sessions/")]
    assert len(sessions) == SESSIONS
    for number in (1, 2, 3):
        assert any(f"user {number}," in text for text in sessions)
    assert any(path.startswith("sessions/p0x") for path in found)


def test_the_skill_is_there_with_the_ids_of_its_lines_and_whose_they_are() -> None:
    head = '---\nname: npm-know-how\ndescription: "npm: tests."\n---\n'
    text = f"{head}\n# npm\n\n## Steps\n\n- Run `CI=1 npm test`.\n- Mine.\n"
    own = Item(
        id="i-1",
        kind="step",
        text="Run `CI=1 npm test`.",
        section="Steps",
        patterns=["p1"],
        evidence=refs("p1", 6),
        odds_ratio=18.0,
        ci=(1.5, 200.0),
    )
    base = skill(
        "npm-know-how",
        text,
        [own],
        File(path="references/more.md", data=b"more\n"),
        File(path="logo.png", data=b"\x89\xff"),
        File(path="../../etc/passwd", data=b"no"),
    )
    found = files(target([pattern("p1")], base), context(store([pattern("p1")])))
    assert found["skill/SKILL.md"] == text
    assert found["skill/references/more.md"] == "more\n"
    assert "not text" in found["skill/logo.png"]
    assert not [path for path in found if ".." in path]
    assert "id i-1, step, section Steps" in found["items.md"]
    assert "6 sessions of 3 people; patterns p1; odds ratio 18.00 [1.50, 200.00]" in found["items.md"]
    assert "a person wrote it" in found["items.md"].split("Mine.")[1]
    assert "made by extractive" in found["history.md"]


def test_other_skills_are_named_with_what_they_say_they_are_for() -> None:
    other = skill(
        "pnpm-tests", '---\nname: pnpm-tests\ndescription: "pnpm: when tests hang."\n---\n\n# p\n', []
    )
    foreign = SimpleNamespace(name="mine", bundle=Bundle(name="mine", files=[]))
    found = files(target([pattern("p1")]), context({}, current={"pnpm-tests": other}, foreign=[foreign]))
    assert "- pnpm-tests: pnpm: when tests hang." in found["skills.md"]
    assert "- mine: (no description)" in found["skills.md"]


def test_the_same_input_gives_the_same_texts_in_whatever_order_the_evidence_came() -> None:
    one = pattern("p1")
    turned = msgspec.structs.replace(
        one, evidence=one.evidence[::-1], contradictions=one.contradictions[::-1]
    )
    sessions = store([one])
    first, second = files(target([one]), context(sessions)), files(target([turned]), context(sessions))
    assert first == second
    assert list(first) == sorted(first)


def test_keys_that_are_no_file_names_make_no_path() -> None:
    bad = [msgspec.structs.replace(ref, session=f"../{ref.session}") for ref in refs("p1", 6)]
    one = pattern("p1", evidence=bad, contradictions=[])
    found = files(target([one]), context(store([one])))
    assert not [path for path in found if "sessions" in path]


def test_without_the_gate_there_are_no_sessions_but_all_the_rest() -> None:
    bare = EvolveContext(policy=policy("solo"), now=datetime(2026, 11, 23, tzinfo=UTC))
    found = files(target([pattern("p1")]), bare)
    assert "patterns/p1.md" in found
    assert not [path for path in found if path.startswith("sessions/")]
    assert "support by 3 sessions of 1 person" in found["target.md"]


def test_what_was_refused_before_is_told_with_the_reasons() -> None:
    refused = Tried(
        proposal="x",
        skill="npm-know-how",
        action="create",
        engine="llm",
        reasons=["grounding: `npm cache` occurs nowhere"],
        text="Fixes: Run `npm cache`.",
    )
    other = msgspec.structs.replace(refused, skill="yarn-know-how", text="Something else.")
    given = replace(context({}), tried=[refused, other])
    text = files(target([pattern("p1")]), given)["history.md"]
    assert "Refused: create by llm" in text
    assert "- why: grounding: `npm cache` occurs nowhere" in text
    assert "Run `npm cache`." in text
    assert "Something else" not in text
