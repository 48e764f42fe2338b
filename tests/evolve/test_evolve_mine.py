"""Patterns out of sessions: realistic failures and fixes, corrections, procedures; none out of noise."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import msgspec
import pytest

from skillclaw.bench.planted import START, Script, session, synthetic
from skillclaw.evolve.intents import IntentIndex
from skillclaw.evolve.mine import Mined, mine
from skillclaw.evolve.procedures import follows, keeps
from skillclaw.skills.records import Pattern
from skillclaw.trajectory.episodes import cut
from skillclaw.trajectory.model import Trajectory, meta, with_meta

NOW = datetime(2026, 1, 20, tzinfo=UTC)
USERS = ("ana", "bo", "chen")


def mined(sessions: list[Trajectory], **more: float) -> Mined:
    return mine(sessions, now=NOW, half_life_days=more.get("half_life_days", 180))


def sh(agent: str, command: str, text: str, worked: bool = True) -> tuple[str, dict[str, object], str, bool]:
    return (
        ("Bash", {"command": command}, text, worked)
        if agent == "claude-code"
        else ("exec_command", {"cmd": command}, text, worked)
    )


def developers(
    steps: list[tuple[str, str, bool]], asks: list[str], *, extra: bool = True
) -> list[Trajectory]:
    """Five sessions of three people, with Claude Code and Codex, that all meet the same trouble."""
    made = []
    for number, ask in enumerate(asks):
        agent = "claude-code" if number % 2 == 0 else "codex"
        script: Script = [
            sh(agent, "git status", "On branch main"),
            sh(agent, f"cat notes{number}.md", "text"),
        ]
        script += [sh(agent, c.format(n=number), t, ok) for c, t, ok in steps]
        if extra:
            script.append(sh(agent, f"git commit -am 'change {number}'", "1 file changed"))
        made.append(
            session(f"d{number}", USERS[number % 3], ask, script, success=True, agent=agent, day=number)
        )
    return made


ASKS = [
    "add the rich progress bar to our importer",
    "fix the failing date parser",
    "speed up the start of the service",
    "write a test for the login form",
    "the export drops the last row, look into it",
]


def only(found: Mined, kind: str) -> Pattern:
    (pattern,) = [p for p in found.patterns if p.kind == kind]
    return pattern


def test_a_package_manager_that_the_system_refuses() -> None:
    error = "error: externally-managed-environment\n\n× This environment is externally managed"
    steps = [
        ("pip install requests", error, False),
        ("uv pip install --system requests", "Installed 1 package", True),
    ]
    found = only(mined(developers(steps, ASKS)), "recovery")
    assert found.failed is not None
    assert found.failed.command == "pip install requests"
    assert found.actions[-1].command == "uv pip install --system requests"
    assert found.error.startswith("error: externally-managed")
    assert (found.sessions, found.users) == (5, 3)
    assert found.agents == ["claude-code", "codex"]
    assert found.topic == "pip"
    assert "uv pip install --system" in found.title
    assert all(ref.steps for ref in found.evidence)


def test_a_variable_in_the_environment() -> None:
    steps = [
        ("npm test", "Error: watch mode needs a terminal", False),
        ("CI=1 npm test 2>&1 | tail -5", "Tests: {n} passed", True),
    ]
    found = only(mined(developers(steps, ASKS)), "recovery")
    assert found.failed is not None
    assert found.failed.command == "npm test"
    assert found.actions[-1].command == "CI=1 npm test"
    assert found.actions[-1].example.startswith("CI=1 npm test")


def test_a_port_in_use_needs_an_action_in_between() -> None:
    steps = [
        ("npm run dev", "Error: listen EADDRINUSE: address already in use :::3000", False),
        ("lsof -ti:3000 | xargs kill -9", "", True),
        ("npm run dev", "ready on http://localhost:3000", True),
    ]
    found = only(mined(developers(steps, ASKS)), "recovery")
    assert [a.command for a in found.actions] == ["lsof -ti:3000 | xargs kill -9", "npm run dev"]
    assert "EADDRINUSE" in found.error


@pytest.mark.parametrize("arrow", ["a \u2192 b", " \u2192 "])
def test_an_arrow_in_an_argument_of_some_takes_no_lesson_from_the_others(arrow: str) -> None:
    made = []
    for number in range(12):
        wrong, right = (arrow, "ne") if number >= 9 else ("north", "n")
        script: Script = [
            ("book", {"route": wrong, "seat": f"{number}a"}, "Error: unknown route", False),
            ("book", {"route": right, "seat": f"{number}a"}, "booked", True),
        ]
        made.append(session(f"r{number}", USERS[number % 3], ASKS[number % 5], script, success=True))
    found = mined(made)
    assert found.aside == []
    assert only(found, "recovery").title == "book: route is 'n', not 'north'"


def test_packages_vary_and_the_lesson_stays() -> None:
    made = []
    for number, package in enumerate(["rich", "httpx", "pandas", "flask"]):
        script: Script = [
            sh("codex", f"pip install {package}", "error: externally-managed-environment", False),
            sh("codex", f"uv pip install --system {package}", "Installed"),
        ]
        made.append(
            session(f"v{number}", USERS[number % 3], ASKS[number], script, success=True, agent="codex")
        )
    found = only(mined(made), "recovery")
    assert found.actions[-1].command == "uv pip install --system <value>"


def test_a_retry_that_works_by_itself_is_no_lesson() -> None:
    steps = [("npm ci", "npm ERR! network timeout", False), ("npm ci", "added 3 packages", True)]
    assert [p for p in mined(developers(steps, ASKS)).patterns if p.kind == "recovery"] == []


def test_a_fix_that_mostly_fails_is_no_lesson() -> None:
    works = developers([("make x", "error: no", False), ("make x -j1", "ok", True)], ASKS[:3], extra=False)
    fails = [
        session(
            f"f{i}",
            "dee",
            ASKS[i],
            [sh("codex", "make x", "error: no", False), sh("codex", "make x -j1", "error: no", False)],
            success=False,
            agent="codex",
        )
        for i in range(5)
    ]
    assert [p for p in mined(works + fails).patterns if p.kind == "recovery"] == []


def test_contradictions_are_counted() -> None:
    steps = [("npm test", "Error: watch mode needs a terminal", False), ("CI=1 npm test", "ok", True)]
    error = "Error: watch mode needs a terminal"
    tries = [sh("codex", c, error, False) for c in ("npm test", "CI=1 npm test")]
    against = session("c", "dee", "check it", tries, success=False, agent="codex")
    found = only(mined([*developers(steps, ASKS), against]), "recovery")
    assert [r.user for r in found.contradictions] == ["dee"]
    assert found.sessions == 5


def test_users_say_the_same_to_their_agents() -> None:
    made = []
    words = [
        "No. Use uv instead of pip here",
        "use uv instead of pip please",
        "No, use uv instead of pip",
        "use uv instead of pip!",
    ]
    for number, text in enumerate(words):
        made.append(
            session(
                f"u{number}", USERS[number % 3], ASKS[number],
                [sh("codex", f"pip install p{number}", "Installed")],
                success=True, agent="codex", said_after=(text,),
            )
        )  # fmt: skip
    after = []
    for number, trajectory in enumerate(made):
        more = session(
            "x", "x", "x", [sh("codex", f"uv pip install p{number}", "ok")], success=True, agent="codex"
        ).steps[1:]
        steps = [
            *trajectory.steps,
            *(msgspec.structs.replace(s, step_id=len(trajectory.steps) + i + 1) for i, s in enumerate(more)),
        ]
        after.append(msgspec.structs.replace(trajectory, steps=steps))
    found = only(mined(after), "correction")
    assert found.topic == "uv"
    assert found.user_text[0] == "use uv instead of pip!"
    assert found.sessions == 4
    assert found.failed is not None
    assert found.actions[0].command is not None
    assert found.actions[0].command.startswith("uv pip install")


def test_planted_lessons_and_their_numbers() -> None:
    found = mined(synthetic(4, planted=True))
    refund = next(p for p in found.patterns if p.kind == "procedure" and "efund" in p.title)
    assert [a.tool for a in refund.actions] == ["orders.search", "orders.verify", "payments.refund"]
    assert refund.actions[2].args[0].name == "receiver"
    assert refund.actions[2].args[0].origin == "user"
    assert refund.actions[1].args[0].origin == "result:0"
    assert refund.before == [(1, 0), (2, 0)]
    assert refund.topic == "payments"
    assert refund.stats.with_success / refund.stats.with_n > 0.8
    assert refund.stats.without_success / refund.stats.without_n < 0.5
    guess = next(p for p in found.patterns if p.kind == "pitfall" and p.topic == "rooms")
    assert [a.tool for a in guess.actions] == ["rooms.search", "rooms.release"]
    assert guess.before == [(1, 0)]
    assert guess.title == "rooms.release fails when record is a guess"


@pytest.mark.parametrize("seed", range(3))
def test_noise_gives_nothing(seed: int) -> None:
    assert mined(synthetic(seed, planted=False)).patterns == []


def test_the_same_sessions_in_any_order_give_the_same_patterns() -> None:
    made = synthetic(5, planted=True)
    first = mined(made)
    random.Random(2).shuffle(made)
    assert mined(made) == first
    assert len({p.id for p in first.patterns}) == len(first.patterns)


def test_only_the_highest_revision_of_a_session_counts() -> None:
    steps = [("npm test", "Error: watch mode needs a terminal", False), ("CI=1 npm test", "ok", True)]
    made = developers(steps, ASKS)
    newer = [with_meta(t, msgspec.structs.replace(meta(t), revision=2)) for t in made]
    once = mined(made)
    assert mined([*newer, *made]).sessions == once.sessions == 5
    assert only(mined([*made, *newer]), "recovery").evidence == only(once, "recovery").evidence


def test_two_sessions_are_no_pattern() -> None:
    steps = [("npm test", "Error: watch mode needs a terminal", False), ("CI=1 npm test", "ok", True)]
    assert mined(developers(steps, ASKS[:2])).patterns == []


def test_old_evidence_weighs_less() -> None:
    made = synthetic(3, planted=True)
    fresh = mine(made, now=START, half_life_days=30).patterns[0].stats.recency
    stale = mine(made, now=START.replace(year=2027), half_life_days=30).patterns[0].stats.recency
    assert 0 < stale < 0.01 < fresh <= 1


def test_a_new_request_finds_its_procedure_by_its_words() -> None:
    procedures = [p for p in mined(synthetic(3, planted=True)).patterns if p.kind == "procedure"]
    index = IntentIndex(procedures)
    found = index.find("please refund the trombone that Gerda sent back")
    assert found is not None
    assert found.actions[-1].tool == "payments.refund"
    assert index.find("what is the weather in Oslo") is None
    served = synthetic(9, planted=True)
    followed = [
        e
        for t in served
        for e in cut(t)
        if e.kind == "procedure"
        and e.intent.startswith("Refund")
        and follows(e, found.actions)
        and keeps(e, found.actions)
    ]
    assert followed
    assert sum(bool(e.success) for e in followed) / len(followed) > 0.6
