"""Executable replay through real rooms: an agent on a scripted model works with and without the change."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from chat_model import ChatModel, Raw, call, results, text
from replay_house import ASKED, SKILL, Answer, Skill, bundle, ledger, minimal, obedient, proposal, write_case

from skillclaw.errors import UsageError
from skillclaw.evolve.replay.executable import Limits, executable_scores
from skillclaw.evolve.replay.executable_agents import minimal_runner
from skillclaw.evolve.replay.folder_cases import read_cases
from skillclaw.gate.policies import policy
from skillclaw.gate.replay.deciding import outcome, replay_verdict
from skillclaw.gate.replay.records import CaseScore, Cost, ReplayResult
from skillclaw.sandbox import bubblewrap, why_no_room
from skillclaw.settings import ModelSettings
from skillclaw.skills.records import Proposal

pytestmark = pytest.mark.live

needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=why_no_room())
GOOD, NEUTRAL, HARMFUL = "Reports are sealed.", "Reports are read by many.", "Reports are burnt."


def replayed(
    tmp_path: Path,
    made: Proposal,
    *,
    current: dict[str, Skill] = {},  # noqa: B006 - not changed
    answer: Answer = obedient,
    repeats: int = 2,
    months: tuple[str, ...] = ("May",),
    limits: Limits = Limits(seconds=120),  # noqa: B008 - a frozen record
    caps: dict[str, Any] | None = None,
    **case: str,
) -> tuple[list[CaseScore], Cost, str, ChatModel]:
    for month in months:
        write_case(tmp_path / "cases", month, **case)
    cases, faults = read_cases(tmp_path / "cases")
    assert not faults
    home = tmp_path / "home"
    with ChatModel(answer) as model:
        scores, cost, missing = executable_scores(
            made,
            cases,
            current_skills=current,
            agent=minimal(model.url),
            repeats=repeats,
            seed=1,
            limits=limits,
            ledger=ledger(**(caps or {})),
            home=home,
        )
    left = [path.name for path in (home / "replay").iterdir()] if (home / "replay").exists() else []
    assert not [name for name in left if name.startswith("run-")], "a replay leaves nothing behind"
    return scores, cost, missing, model


@needs_sandbox
@pytest.mark.parametrize(
    ("before", "after", "ends"),
    [(NEUTRAL, GOOD, "won"), (GOOD, f"{GOOD} Be kind.", "tied"), (GOOD, HARMFUL, "lost")],
)
def test_a_helpful_change_wins_a_neutral_one_ties_a_harmful_one_loses(
    tmp_path: Path, before: str, after: str, ends: str
) -> None:
    base = Skill(bundle(before))
    scores, cost, missing, model = replayed(tmp_path, proposal(after, base=base), current={SKILL: base})
    assert [outcome(score) for score in scores] == [ends], scores
    assert (missing, scores[0].kind, scores[0].source) == ("", "executable", "cases")
    assert (cost.calls, cost.tokens, cost.usd) == (8, 880, pytest.approx(0.0016))
    seeds = [request["seed"] for request in model.seen]
    assert seeds[:4] == seeds[:1] * 4 and seeds[4:] == seeds[4:5] * 4 and seeds[0] != seeds[4]
    # Which arm goes first takes turns.
    new = [after in str(request["messages"]) for request in model.seen if len(request["messages"]) < 5]
    assert new == [False, True, True, False]
    assert {header["x-skillclaw-own"] for header in model.headers} == {"replay"}


@needs_sandbox
def test_a_new_skill_that_helps_in_three_cases_passes_the_gate(tmp_path: Path) -> None:
    months = ("April", "June", "May")
    scores, cost, missing, _ = replayed(tmp_path, proposal(GOOD), months=months, repeats=1)
    result = ReplayResult(proposal="1" * 16, agent="minimal", scores=scores, cost=cost, missing=missing)
    verdict = replay_verdict(result, policy("strict"))
    assert (verdict.verdict, "3 of 3 cases won" in verdict.reason) == ("pass", True), verdict


@needs_sandbox
def test_the_budget_ends_it_between_runs_and_what_was_run_counts(tmp_path: Path) -> None:
    limits = Limits(calls=5, seconds=120)
    scores, cost, missing, _ = replayed(
        tmp_path, proposal(GOOD), months=("June", "May"), repeats=2, limits=limits
    )
    assert cost.calls == 6, "a run that began is not cut"
    assert missing == "The limit of 5 calls for one proposal is reached. 3 of 8 runs were made."
    assert [(score.before, score.after) for score in scores] == [
        ([0.0, None], [1.0, None]),
        ([0.0, None], [None, None]),
    ]
    assert outcome(scores[0]) == "void"


@needs_sandbox
def test_the_budget_of_the_day_is_kept_within_a_run(tmp_path: Path) -> None:
    scores, cost, missing, model = replayed(tmp_path, proposal(GOOD), caps={"day_calls": 3})
    assert (cost.calls, len(model.seen)) == (3, 3)
    assert "budget is used up" in missing
    assert (scores[0].before, scores[0].after) == ([0.0, None], [None, None]), (
        "a run that was cut tells nothing"
    )


@needs_sandbox
def test_a_grader_that_hangs_is_stopped_and_counts_as_not_solved(tmp_path: Path) -> None:
    toml = f'instruction = "{ASKED.format("May")}"\ngrade_timeout = 0.5\n'
    began = time.monotonic()
    scores, _, missing, _ = replayed(tmp_path, proposal(GOOD), repeats=1, grade="sleep 60", toml=toml)
    assert time.monotonic() - began < 30
    assert (scores[0].before, scores[0].after, missing) == ([0.0], [0.0], "")


@needs_sandbox
@pytest.mark.parametrize("left", ["sleep 60", "./no-such-program", "kill -9 $PPID"])
def test_a_change_that_makes_the_grader_fail_loses(tmp_path: Path, left: str) -> None:
    """What an agent leaves runs in the grader: it may hang, be missing, or turn on the grader."""

    def answer(request: dict[str, Any]) -> Any:
        bad = HARMFUL in str(request["messages"])
        script = left if bad else "exit 0"
        return text("Done.") if results(request) else call("bash", command=f"echo '{script}' > run.sh")

    toml = f'instruction = "{ASKED.format("May")}"\ngrade_timeout = 1\n'
    base = Skill(bundle(GOOD))
    scores, _, _, _ = replayed(
        tmp_path,
        proposal(HARMFUL, base=base),
        current={SKILL: base},
        repeats=1,
        answer=answer,
        grade="[ -e run.sh ] && sh run.sh",
        toml=toml,
    )
    assert (scores[0].before, scores[0].after) == ([1.0], [0.0]), scores


@needs_sandbox
def test_checks_that_fail_over_what_the_agent_left_count_as_not_solved(tmp_path: Path) -> None:
    folder = tmp_path / "cases" / "task"
    folder.mkdir(parents=True)
    (folder / "task.md").write_text(
        f"---\nid: t\n---\n## Prompt\n{ASKED.format('May')}\n## Automated Checks\n"
        "def grade(**_):\n    word = open('report.txt').read().split()[0]\n"
        "    return {'overall_score': {'sealed': 1, 'plain': 0.5}[word]}\n## Workspace Path\nexec\n",
        "utf-8",
    )
    cases, faults = read_cases(tmp_path / "cases")
    assert not faults
    for body, after in ((GOOD, 1.0), (HARMFUL, 0.0)):
        with ChatModel(obedient) as model:
            scores, _, missing = executable_scores(
                proposal(body),
                cases,
                current_skills={},
                agent=minimal(model.url),
                repeats=1,
                seed=1,
                limits=Limits(),
                ledger=ledger(),
                home=tmp_path / "home",
            )
        assert (missing, scores[0].before, scores[0].after) == ("", [0.5], [after])
    assert "the grader failed" in scores[0].note and "KeyError" in scores[0].note


@needs_sandbox
def test_an_agent_that_hangs_runs_out_of_its_time_and_what_it_left_is_graded(tmp_path: Path) -> None:
    toml = f'instruction = "{ASKED.format("May")}"\ntimeout = 0.5\n'
    began = time.monotonic()
    scores, _, _, _ = replayed(
        tmp_path, proposal(GOOD), repeats=1, toml=toml, answer=lambda _: Raw(b"{}", wait=4.0)
    )
    assert time.monotonic() - began < 30
    assert (scores[0].before, scores[0].after) == ([0.0], [0.0])


@needs_sandbox
def test_a_model_that_fails_three_times_in_a_row_is_given_up(tmp_path: Path) -> None:
    broken = Raw(b'{"error": {"message": "overloaded secret-key"}}', 529)
    scores, cost, missing, model = replayed(
        tmp_path, proposal(GOOD), repeats=3, months=("June", "May"), answer=lambda _: broken
    )
    assert (len(model.seen), cost.calls) == (3, 3)
    assert missing.startswith("The model failed 3 times in a row") and "529" in missing
    assert all(outcome(score) == "void" for score in scores)


@needs_sandbox
def test_a_model_that_knows_no_tools_is_given_some(tmp_path: Path) -> None:
    def answer(request: dict[str, Any]) -> Any:
        said = str(request["messages"])
        assert "tools" not in request
        if "Result:" in said:
            return text('{"answer":"Done."}')
        word = "sealed" if GOOD in said else "plain"
        return text('{"bash":{"command":"echo ' + word + ' May > report.txt"}}')

    write_case(tmp_path / "cases", "May")
    cases, _ = read_cases(tmp_path / "cases")
    with ChatModel(answer) as model:
        settings = ModelSettings(name="m", url=model.url, key="env:KEY", tools="prompt")
        scores, _, missing = executable_scores(
            proposal(GOOD),
            cases,
            current_skills={},
            agent=minimal_runner(settings, {"KEY": "a-secret-key"}),
            repeats=1,
            seed=1,
            limits=Limits(),
            ledger=ledger(),
            home=tmp_path / "home",
        )
    assert (missing, scores[0].before, scores[0].after) == ("", [0.0], [1.0])
    told = {(header["x-skillclaw-own"], header["authorization"]) for header in model.headers}
    assert told == {("replay", "Bearer a-secret-key")}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (ModelSettings(), "evolve.model.name is empty"),
        (ModelSettings(name="m", protocol="anthropic"), "evolve.model.protocol is anthropic"),
        (ModelSettings(name="m", key="env:NO_KEY"), "NO_KEY is not set"),
    ],
)
def test_a_model_that_the_minimal_agent_cannot_ask_is_told(settings: ModelSettings, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        minimal_runner(settings, {})
    assert why in str(caught.value) and caught.value.todo


@needs_sandbox
def test_an_agent_cannot_grade_itself(tmp_path: Path) -> None:
    """It sees neither grader nor truth, and what it puts in their places is taken away."""

    def sly(request: dict[str, Any]) -> Any:
        if results(request):
            return text("Done.")
        tries = "mkdir gt; echo x > gt/answer.txt; ls -R /opt /tmp_workspace > seen.txt; "
        tries += "mkdir -p /opt/grading && echo 'exit 0' > /opt/grading/grade.sh; true"
        return call("bash", command=tries)

    # Passes where the agent saw nothing of the grader and the truth is the true one.
    grade = "[ -s seen.txt ] && ! grep -q grade.sh seen.txt && grep -qx 'sealed May' gt/answer.txt"
    scores, _, _, _ = replayed(tmp_path, proposal(GOOD), repeats=1, answer=sly, grade=grade)
    assert (scores[0].before, scores[0].after) == ([1.0], [1.0])


def test_without_a_sandbox_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "missing", lambda: "bubblewrap is not installed (no program bwrap).")
    scores, cost, missing, model = replayed(tmp_path, proposal(GOOD))
    assert (scores, cost.calls, model.seen) == ([], 0, [])
    assert "none can be made here: bubblewrap is not installed" in missing
