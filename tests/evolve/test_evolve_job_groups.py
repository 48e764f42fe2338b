"""Patterns become jobs: one skill for a job, errors with the job in whose sessions they are met."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from atif_sessions import Ran, session
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from learned import NOW as THEN
from learned import stored

from skillclaw.evolve.drafting import targets
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.evolvers.extractive import Extractive
from skillclaw.evolve.job_groups import job_groups
from skillclaw.evolve.mine import Mined, mine
from skillclaw.evolve.view import ClusterPoint
from skillclaw.evolve.work import Task, Work
from skillclaw.gate import policy
from skillclaw.skills.bundle import version
from skillclaw.skills.items import markdown
from skillclaw.skills.records import ActionShape, Intent, Pattern, Proposal, Ref
from skillclaw.trajectory.model import decode, meta, with_meta

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TASKS = {
    "rel": ("make", "Release version <number>", "release version"),
    "tst": ("make", "Run the tests of the cart", "run tests cart"),
    "tst2": ("make", "Run the tests before the push", "run tests push"),
    "fmt": ("make", "Format the code in <path>", "format code"),
    "doc": ("make", "Build the documents", "build documents"),
    "mail": ("email", "Reply to the latest mail", "reply latest mail"),
}


def work(**asked: dict[str, int]) -> Work:
    refs = [ref("t", n) for n in range(6)]
    return Work(
        points={
            name: ClusterPoint(
                id=name,
                label=label,
                topic=topic,
                sessions=6,
                users=3,
                terms=dict.fromkeys(words.split(), 1.0),
            )
            for name, (topic, label, words) in TASKS.items()
        },
        tasks={
            name: Task(id=name, intent=Intent(label=label, examples=[label]), evidence=refs)
            for name, (_, label, _) in TASKS.items()
        },
        asked=asked,
    )


def ref(mark: str, number: int) -> Ref:
    return Ref(session=f"{mark}{number}", user="abc"[number % 3], agent="cli", day="2026-11-01", success=True)


def shell(command: str) -> ActionShape:
    return ActionShape(tool="Bash", command=command, example=command)


def way(mark: str, label: str, *commands: str, topic: str = "make", **more: Any) -> Pattern:
    return Pattern(
        id=mark,
        kind="procedure",
        title=label,
        topic=topic,
        signature=mark,
        intent=Intent(label=label, examples=[label]),
        actions=[shell(one) for one in commands],
        evidence=[ref(mark, n) for n in range(6)],
        **more,
    )


def error(mark: str, failed: str, works: str, topic: str = "make", **more: Any) -> Pattern:
    return Pattern(
        id=mark,
        kind="recovery",
        title=mark,
        topic=topic,
        signature=mark,
        failed=shell(failed),
        error="connection refused",
        actions=[shell(works), shell(failed)],
        evidence=[ref(mark, n) for n in range(6)],
        **more,
    )


RELEASE = way("p-release", "Release version <number>", "make changelog", "make publish")
FORMAT = way("p-format", "Format the code in <path>", "make format")
TEST = error("e-test", "make test", "make db-up")
TAG = error("e-tag", "git tag v1", "git fetch --tags", topic="git")
FLAKY = error("e-make", "make prepare", "make clean")


def ids(patterns: list[Pattern], known: Work) -> list[list[str]]:
    return [[p.id for p in group.patterns] for group in job_groups(patterns, known)]


def test_a_program_that_any_job_uses_is_not_one_job() -> None:
    known = work(**{"p-release": {"rel": 6}, "p-format": {"fmt": 6}})
    assert ids([RELEASE, FORMAT], known) == [["p-format"], ["p-release"]]
    assert ids([RELEASE, FORMAT], Work()) == [["p-format", "p-release"]], "what was asked for is not known"


def test_ways_of_one_task_or_with_the_same_commands_are_one_job() -> None:
    other = way("p-other", "Release version <number>", "make changelog", "git push", topic="git")
    known = work(**{"p-release": {"rel": 6}, "p-other": {"rel": 6}})
    assert ids([RELEASE, other], known) == [["p-other", "p-release"]], "whatever the last command is"
    again = way("p-again", "Build the documents", "make changelog", "make publish")
    known = work(**{"p-release": {"rel": 6}, "p-again": {"doc": 6}})
    assert ids([RELEASE, again], known) == [["p-again", "p-release"]]


def test_an_error_joins_the_job_in_whose_sessions_it_is_met() -> None:
    known = work(**{"p-release": {"rel": 6}, "p-format": {"fmt": 6}, "e-tag": {"rel": 5, "fmt": 1}})
    assert ids([RELEASE, FORMAT, TAG], known) == [["e-tag", "p-release"], ["p-format"]]


def test_an_error_of_a_task_without_a_procedure_makes_the_job_of_that_task() -> None:
    known = work(**{"p-release": {"rel": 6}, "e-test": {"tst": 3, "tst2": 3}, "e-tag": {"tst2": 6}})
    assert ids([RELEASE, TEST, TAG], known) == [["e-tag", "e-test"], ["p-release"]], "one job, two errors"


def test_only_what_is_met_in_several_jobs_stands_for_the_tool() -> None:
    spread = {"rel": 2, "fmt": 2, "tst": 2}
    known = work(**{"p-release": {"rel": 6}, "p-format": {"fmt": 6}, "e-make": spread, "e-test": {"tst": 6}})
    found = job_groups([RELEASE, FORMAT, FLAKY, TEST], known)
    assert [[p.id for p in group.patterns] for group in found] == [
        ["e-make"],
        ["e-test"],
        ["p-format"],
        ["p-release"],
    ]
    assert [group.task for group in found] == ["", "tst", "fmt", "rel"]


def test_the_jobs_of_a_service_stay_one_class_and_take_in_its_errors() -> None:
    reply = way("p-reply", "Reply to the latest mail", "mail reply", topic="email")
    delete = way("p-delete", "Build the documents", "mail delete", topic="email")
    lost = error("e-mail", "mail read", "mail list", topic="email")
    known = work(**{"p-reply": {"mail": 6}, "p-delete": {"doc": 6}, "e-mail": {"tst": 2, "rel": 2, "fmt": 2}})
    assert ids([reply, delete, lost], known) == [["e-mail", "p-delete", "p-reply"]]


def test_what_holds_in_one_project_only_does_not_go_into_a_skill_for_all() -> None:
    known = work(**{"p-release": {"rel": 6}, "e-tag": {"rel": 6}})
    own = error("e-tag", "git tag v1", "git fetch --tags", topic="git", project="till")
    assert ids([RELEASE, own], known) == [["e-tag"], ["p-release"]]


PUSH = (
    Ran("git push", 1, "error: failed to push some refs: rejected, fetch first"),
    Ran("git pull --rebase"),
    Ran("git push"),
)
TESTS = (
    Ran("make test", 1, "could not connect to server: Connection refused"),
    Ran("make db-up"),
    Ran("make test"),
)


def test_from_sessions_an_error_of_many_jobs_is_told_by_tool_and_one_of_a_job_with_it() -> None:
    sessions = []
    for number, user in enumerate(("ada", "bob", "cy", "dan")):
        for place, (asked, ran) in enumerate(
            (
                ("Add a store to the list of stores", PUSH),
                ("Update the prices of the winter catalogue", PUSH),
                ("Translate the help pages into Danish", PUSH),
                ("Run the tests of the cart", TESTS),
            )
        ):
            made = session(user, 10 * number + place, asked, ran)
            one = decode(msgspec.json.encode(made))
            sessions.append(with_meta(one, msgspec.structs.replace(meta(one), key=made["session_id"])))
    found = mine(sessions, now=NOW, half_life_days=180)
    made = propose(found, {})
    texts = {one.skill: markdown(one.bundle)["SKILL.md"] for one in made if one.bundle is not None}
    about = {name: "git pull --rebase" in text for name, text in texts.items()}
    assert sorted(about.values()) == [False, True], about
    tool, job = sorted(about, key=lambda name: not about[name])
    assert tool == "git-know-how"
    assert "The user asks" not in texts[tool], "it is for all of them"
    assert "make db-up" in texts[job]
    assert "\n# Run the tests" in texts[job]
    assert "The user asks: “Run the tests" in texts[job]


MARKS = st.sampled_from(["make", "git", "email", "npm", "till"])
ASKED = st.dictionaries(st.sampled_from(sorted(TASKS)), st.integers(1, 5), max_size=4)


@st.composite
def mined(draw: st.DrawFn) -> tuple[list[Pattern], Work]:
    patterns: list[Pattern] = []
    asked: dict[str, dict[str, int]] = {}
    for number in range(draw(st.integers(0, 9))):
        topic, project = draw(MARKS), draw(st.sampled_from([None, "till"]))
        make = draw(st.sampled_from([way, error]))
        one = make(f"{number}", "Release it", f"{topic} {draw(MARKS)}", topic=topic, project=project)
        patterns.append(one)
        asked[one.id] = draw(ASKED)
    return patterns, work(**asked)


@settings(max_examples=examples(40), deadline=None)
@given(mined(), st.randoms(use_true_random=False))
def test_every_pattern_is_in_one_group_whatever_the_order_and_the_names_of_clusters(
    made: tuple[list[Pattern], Work], chance: random.Random
) -> None:
    patterns, known = made
    groups = ids(patterns, known)
    assert sorted(one for group in groups for one in group) == [p.id for p in patterns]
    mixed = list(patterns)
    chance.shuffle(mixed)
    names = list(TASKS)
    chance.shuffle(names)
    other = dict(zip(TASKS, names, strict=True))
    renamed = Work(
        points={other[name]: point for name, point in known.points.items()},
        asked={one: {other[name]: n for name, n in own.items()} for one, own in known.asked.items()},
    )
    assert ids(mixed, renamed) == groups


@settings(max_examples=examples(15), deadline=None)
@given(mined())
def test_every_pattern_is_in_one_target_at_most(made: tuple[list[Pattern], Work]) -> None:
    patterns, known = made
    found = targets(patterns, {}, EvolveContext(policy=policy("team"), now=NOW, work=known))
    placed = [p.id for one in found for p in one.patterns]
    assert len(placed) == len(set(placed))
    assert len({one.skill for one in found}) == len(found)


@cache
def learned(name: str, share: float = 1.0) -> Mined:
    sessions = stored(name)
    random.Random(3).shuffle(sessions)
    return mine(sessions[: round(share * len(sessions))], now=THEN, half_life_days=180)


def propose(found: Mined, current: dict[str, Current]) -> list[Proposal]:
    given = EvolveContext(policy=policy("team"), now=THEN, work=found.work, changes=100)
    return Extractive().propose(found.patterns, current, given)


def library(found: Mined) -> dict[str, Current]:
    made = {}
    for one in propose(found, {}):
        assert one.bundle is not None
        assert one.sidecar is not None
        made[one.skill] = Current(bundle=one.bundle, sidecar=one.sidecar, version=version(one.bundle))
    return made


def test_the_same_evidence_again_changes_nothing_and_more_of_it_renames_nothing() -> None:
    early, later = learned("codex", 0.8), learned("codex")
    skills = library(early)
    assert propose(early, skills) == []
    owned = {p: skill for skill, one in skills.items() for i in one.sidecar.items for p in i.patterns}
    for target in targets(
        later.patterns, skills, EvolveContext(policy=policy("team"), now=THEN, work=later.work)
    ):
        kept = {owned[p.id] for p in target.patterns if p.id in owned}
        assert kept <= {target.skill}, "what a skill has stays with it"


def test_a_skill_that_holds_several_jobs_keeps_them() -> None:
    found = learned("claude-code")
    apart = EvolveContext(policy=policy("team"), now=THEN, work=found.work)
    assert len(targets(found.patterns, {}, apart)) == 3
    (whole,) = Extractive().propose(found.patterns, {}, EvolveContext(policy=policy("team"), now=THEN))
    assert whole.bundle is not None
    assert whole.sidecar is not None
    current = {
        whole.skill: Current(bundle=whole.bundle, sidecar=whole.sidecar, version=version(whole.bundle))
    }
    (target,) = targets(found.patterns, current, apart)
    assert (target.skill, len(target.patterns)) == (whole.skill, 3)
    assert Extractive().propose(found.patterns, current, apart) == [], "and is not written anew"
