"""The engine `llm` against a scripted model over real HTTP: what it asks, and what may come of any answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chat_model import Raw
from llm_script import GOOD, asked, model, passed, propose, scripted, stages, text_of
from made_sessions import made, sh
from npm_house import USERS, context, house, pattern, refs, session, skill
from skills_ref.validator import validate

from skillclaw.evolve.drafting import targets
from skillclaw.evolve.evolvers import Current, evolvers
from skillclaw.evolve.evolvers.llm import EVOLVER
from skillclaw.gate import decide, judge
from skillclaw.settings import BudgetSettings
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Proposal, Stats
from skillclaw.trajectory.model import SessionMeta

# --- a good model ------------------------------------------------------------------------------------


def test_a_model_words_a_skill_that_the_gate_passes(tmp_path: Path) -> None:
    sessions = house()
    with model(scripted(GOOD)) as server:
        (one,), own = propose(server, [pattern(sessions)], sessions)
    assert one.engine == "llm"
    assert one.action == "create"
    kept = passed(one, own)
    assert kept == one  # nothing had to be taken out
    shown = text_of(one)
    assert "# Testing with npm" in shown
    assert "- If `npm test` fails, run `CI=1 npm test`." in shown
    assert one.sidecar is not None
    assert all(item.evidence and item.patterns == ["id-npm"] for item in one.sidecar.items)
    assert set(stages(server)) == {"digest", "draft"}
    assert stages(server).count("draft") == 1
    assert own.notes == []
    assert own.failed == {}
    folder = tmp_path / one.skill
    folder.mkdir()
    assert one.bundle is not None
    for file in one.bundle.files:
        (folder / file.path).write_bytes(file.data)
    assert validate(folder) == []


def test_a_prompt_holds_the_sessions_of_its_target_and_no_other() -> None:
    mine = house()
    others = {f"far{n}": session(f"far{n}", user, "Mind the marmalade.") for n, user in enumerate(USERS)}
    mine = {key: session(key, USERS[n % 3], "Mind the porridge.") for n, key in enumerate(mine)}
    far = pattern(others, "far", topic="elsewhere")
    with model(scripted(GOOD)) as server:
        propose(server, [pattern(mine), far], {**mine, **others})
    prompts = [asked(request)[1] for request in server.seen]
    assert any("porridge" in prompt for prompt in prompts)
    assert any("marmalade" in prompt for prompt in prompts)
    assert not any("porridge" in prompt and "marmalade" in prompt for prompt in prompts)
    assert not any(user in prompt for user in USERS for prompt in prompts)


def test_the_gate_s_answer_goes_back_and_the_model_mends() -> None:
    sessions = house()
    wrong = {
        **GOOD,
        "lines": [
            *GOOD["lines"],
            {"kind": "fact", "text": "Use `yarn test --fast`.", "evidence": ["P1"]},
            {"kind": "fact", "text": "All is well.", "evidence": ["P9"]},
        ],
    }
    with model(scripted([wrong, GOOD])) as server:
        (one,), own = propose(server, [pattern(sessions)], sessions)
    assert stages(server).count("draft") == 2
    review = asked(server.seen[-1])[1]
    assert "yarn test --fast" in review
    assert "names no pattern as evidence" in review
    assert "yarn" not in text_of(passed(one, own))


def test_lines_that_stay_wrong_are_left_out_and_the_good_ones_stay() -> None:
    sessions = house()
    wrong = {
        **GOOD,
        "lines": [*GOOD["lines"], {"kind": "fact", "text": "Use `yarn test --fast`.", "evidence": ["P1"]}],
    }
    with model(scripted(wrong)) as server:
        (one,), own = propose(server, [pattern(sessions)], sessions)
    assert stages(server).count("draft") == 3
    kept = text_of(passed(one, own))
    assert "yarn" not in kept
    assert "CI=1 npm test" in kept


def test_skip_is_an_answer() -> None:
    sessions = house()
    with model(scripted({"why": "Every agent knows this.", "action": "skip"})) as server:
        found, own = propose(server, [pattern(sessions)], sessions)
    assert found == []
    assert own.failed == {}
    assert own.notes == ["The model found nothing to write or to change: npm-know-how."]


def test_the_same_again_is_the_same_and_costs_nothing(tmp_path: Path) -> None:
    sessions = house()
    with model(scripted(GOOD)) as server:
        first, _ = propose(server, [pattern(sessions)], sessions, home=tmp_path)
        count = len(server.seen)
        second, own = propose(server, [pattern(sessions)], sessions, home=tmp_path)
        assert len(server.seen) == count
    assert second == first
    assert own.models is not None
    assert own.models.ledger.spent().calls == 0


def test_recorded_answers_give_the_same_proposal_with_the_provider_gone(tmp_path: Path) -> None:
    sessions = house()
    with model(scripted(GOOD)) as server:
        first, _ = propose(server, [pattern(sessions)], sessions, home=tmp_path)
    again, own = propose(None, [pattern(sessions)], sessions, replay=tmp_path / "evolve" / "models")
    assert [one.id for one in again] == [one.id for one in first]
    assert own.failed == {}


# --- a skill that is there ---------------------------------------------------------------------------


def refine(*changes: Mapping[str, Any], action: str = "refine", description: str = "") -> dict[str, Any]:
    return {"why": "Seen often.", "action": action, "description": description, "changes": list(changes)}


ADD = {
    "op": "add",
    "kind": "fix",
    "text": "If `npm test` fails, run `CI=1 npm test`.",
    "evidence": ["P1"],
}


def test_single_lines_of_a_skill_change_and_a_person_s_stay() -> None:
    sessions = house()
    base = {"npm": skill()}
    change = {"op": "change", "item": "L1", "text": "Run `CI=1 npm test`.", "evidence": ["P1"]}
    own_line = {"op": "drop", "item": "L2", "evidence": ["P1"]}
    with model(scripted(refine(ADD, change, own_line))) as server:
        (one,), own = propose(server, [pattern(sessions)], sessions, base)
    assert one.action == "refine"
    assert stages(server)[-2:] != ["digest", "digest"]
    assert "attribute" in stages(server)
    shown = text_of(passed(one, own))
    assert "- My own line." in shown
    assert "- Run `CI=1 npm test`." in shown
    assert "- If `npm test` fails, run `CI=1 npm test`." in shown


@pytest.mark.parametrize(
    "fault", ["agent", *(pytest.param(one, marks=pytest.mark.slow) for one in ("environment", "none"))]
)
def test_what_is_not_the_skill_s_fault_changes_nothing(fault: str) -> None:
    sessions = house()
    opinion = {"why": "The agent slipped.", "fault": fault, "items": [], "evidence": []}
    with model(scripted(refine(ADD), attribute=opinion)) as server:
        found, own = propose(server, [pattern(sessions)], sessions, {"npm": skill()})
    assert found == []
    assert "draft" not in stages(server)
    assert own.failed == {}


# --- a model that fails ------------------------------------------------------------------------------

FAILURES = {
    "no JSON": "I would rather talk about the weather.",
    "another schema": json.dumps({"answer": 42}),
    "no line": {**GOOD, "lines": []},
    "refusal": Raw(b'{"error":{"message":"content policy"}}', 400),
    "no key": Raw(b'{"error":{"message":"bad key"}}', 401),
    "server error": Raw(b"{}", 500),
    "not HTTP at all": Raw(b"\0\1\2"),
    "empty": "",
    "too many lines": {**GOOD, "lines": [{"kind": "fact", "text": "Be quick.", "evidence": []}] * 3000},
    "nothing grounded": {
        **GOOD,
        "description": "Use `curl evil.example`.",
        "lines": [{"kind": "fact", "text": "Run `curl evil.example`.", "evidence": ["P1"]}],
    },
    "headings and markers": {
        **GOOD,
        "lines": [{"kind": "fact", "text": "# Heading\n\n- a\n- b <!-- hidden -->", "evidence": ["P1"]}],
    },
}


QUICK = ("no JSON", "refusal", "nothing grounded", "headings and markers")


@pytest.mark.parametrize(
    "failure",
    [pytest.param(v, id=k, marks=[] if k in QUICK else pytest.mark.slow) for k, v in FAILURES.items()],
)
def test_where_the_model_fails_the_extractive_engine_writes_and_it_is_said(failure: Any) -> None:
    sessions = house()
    with model(scripted(failure)) as server:
        found, own = propose(server, [pattern(sessions)], sessions)
    by_rules = evolvers()["extractive"].propose([pattern(sessions)], {}, context(sessions))
    assert [one.engine for one in found] == ["extractive"]
    assert found == by_rules
    assert set(own.failed) == {"npm"}
    assert "evil" not in json.dumps([text_of(one) for one in found])


@pytest.mark.slow
def test_an_answer_that_never_comes_is_not_waited_for_long() -> None:
    sessions = house()
    with model(lambda stage, prompt: Raw(b"{}", wait=3.0)) as server:
        found, own = propose(server, [pattern(sessions)], sessions, timeout=0.3)
    assert [one.engine for one in found] == ["extractive"]
    assert "0.3 s" in own.failed["npm"]


@pytest.mark.slow
def test_a_flood_of_words_is_cut_and_does_no_harm() -> None:
    sessions = house()
    flood = {**GOOD, "why": "x" * 2_000_000, "title": "Testing with npm " * 20}
    with model(scripted(flood)) as server:
        (one,), _ = propose(server, [pattern(sessions)], sessions)
    assert len(one.why) < 1000
    assert len(text_of(one)) < 2000


def test_digests_that_fail_are_done_without() -> None:
    sessions = house()
    with model(scripted(GOOD, digest="no")) as server:
        found, _ = propose(server, [pattern(sessions)], sessions)
    assert stages(server).count("draft") <= 1
    assert found  # by the model where it was still asked, else by rules


def test_when_the_budget_ends_what_is_there_stays_and_the_rest_is_written_by_rules() -> None:
    sessions = house()
    others = [pattern(sessions, name, topic=name) for name in ("alpha", "beta", "gamma", "delta")]
    with model(scripted(GOOD)) as server:
        found, own = propose(server, others, sessions, budget=BudgetSettings(calls=5))
        assert len(server.seen) <= 5
    engines = [one.engine for one in found]
    assert len(engines) == 4
    assert engines[0] == "llm"
    assert engines[-1] == "extractive"
    assert any("budget" in why for why in own.failed.values())


@pytest.mark.slow
def test_a_prompt_keeps_to_the_model_s_context() -> None:
    long = {
        f"s{n}": made(
            "Please run the tests of the shop",
            *[sh(f"cat file{i}", "word " * 400) for i in range(60)],
            sh("npm test", "Error: no such service " * 200, 1),
            sh("CI=1 npm test", "42 passed"),
            meta=SessionMeta(key=f"s{n}", user=USERS[n % 3], source="history", outcome="success"),
        )
        for n in range(8)
    }
    many = [pattern(long, f"n{i}") for i in range(40)]
    for size in (4096, 8192):
        with model(scripted(GOOD)) as server:
            propose(server, many, long, context_tokens=size)
        for request in server.seen:
            sent = sum(len(json.dumps(message)) for message in request["messages"])
            assert sent / 3.5 + request.get("max_tokens", request.get("max_completion_tokens", 0)) <= size


def released(one: Proposal) -> Current:
    assert one.bundle is not None
    assert one.sidecar is not None
    return Current(bundle=one.bundle, sidecar=one.sidecar, version=version(one.bundle))


def test_a_skill_of_the_model_s_is_asked_about_again_only_when_there_is_news() -> None:
    sessions = house(12)
    few = pattern(sessions, evidence=refs(sessions)[:4])
    with model(scripted([GOOD, refine(ADD)])) as server:
        (one,), _ = propose(server, [few], sessions)
        current = {one.skill: released(one)}
        asked_before = len(server.seen)
        more = pattern(sessions, evidence=refs(sessions)[:5])
        assert propose(server, [more], sessions, current)[0] == []
        assert len(server.seen) == asked_before
        for news in (
            pattern(sessions, evidence=refs(sessions)[:8]),
            pattern(sessions, evidence=refs(sessions)[:4], stale=["npm went from 9 to 11"]),
            pattern(sessions, evidence=refs(sessions)[:4], contradictions=refs(sessions)[8:10]),
        ):
            propose(server, [news], sessions, current)
            assert len(server.seen) > asked_before
            asked_before = len(server.seen)


def test_a_skill_that_the_model_wrote_is_not_put_into_other_words_when_it_fails() -> None:
    sessions = house(12)
    more = pattern(sessions)
    with model(scripted([GOOD, "no JSON"], attribute="no")) as server:
        (one,), _ = propose(server, [pattern(sessions, evidence=refs(sessions)[:4])], sessions)
        found, own = propose(server, [more], sessions, {one.skill: released(one)})
    assert found == []
    assert set(own.failed) == {"npm"}  # the next cycle tries again
    assert own.notes == [f"Skills that the model wrote stay as they are until it answers: {one.skill}."]


def test_a_model_of_which_nothing_ever_holds_is_asked_no_more() -> None:
    sessions = house()
    many = [pattern(sessions, f"n{i}", topic=f"t{i}") for i in range(8)]
    with model(scripted(FAILURES["nothing grounded"])) as server:
        found, own = propose(server, many, sessions, budget=BudgetSettings(calls=0, tokens=0, day_calls=0))
    assert [one.engine for one in found] == ["extractive"] * 8
    assert stages(server).count("draft") == 3 * 3
    assert len(set(own.failed.values())) == 1


def test_a_better_description_alone() -> None:
    sessions = house(12)
    words = "Run the tests of the shop with npm. Use when the user asks to run the tests."
    with model(scripted([GOOD, refine(action="describe", description=words)])) as server:
        (one,), _ = propose(server, [pattern(sessions, evidence=refs(sessions)[:4])], sessions)
        current = {one.skill: released(one)}
        (two,), own = propose(server, [pattern(sessions)], sessions, current)
    assert two.action == "describe"
    assert words in text_of(passed(two, own))
    assert text_of(two).split("---\n")[2] == text_of(one).split("---\n")[2]


@pytest.mark.parametrize("against", [True, False])
def test_a_skill_is_retired_only_where_experience_speaks_against_it(against: bool) -> None:
    sessions = house(12)
    good = pattern(sessions, evidence=refs(sessions)[:4])
    turned = pattern(
        sessions, evidence=refs(sessions)[:4], contradictions=refs(sessions, success=False)[4:12]
    )
    turned = msgspec.structs.replace(turned, stats=Stats())
    with model(scripted([GOOD, refine(action="retire")])) as server:
        (one,), _ = propose(server, [good], sessions)
        news = turned if against else pattern(sessions)
        found, own = propose(server, [news], sessions, {one.skill: released(one)})
    if against:
        assert [(p.action, p.engine) for p in found] == [("retire", "llm")]
        assert own.gate is not None
        assert decide(judge(found[0], own.gate)) == "passed"
    else:
        assert found == []


def test_the_forecast_is_never_passed() -> None:
    sessions = house()
    wrong = {
        **GOOD,
        "lines": [*GOOD["lines"], {"kind": "fact", "text": "Use `yarn test --fast`.", "evidence": ["P1"]}],
    }
    one = pattern(sessions)
    with model(scripted(wrong)) as server:
        _, own = propose(server, [one], sessions)
        foreseen = {each.stage: each for each in EVOLVER.forecast(targets([one], {}, own), own)}
        asked_for = Counter(stages(server))
    assert own.models is not None
    for spent in own.models.ledger.spent().stages:
        assert spent.calls <= foreseen[spent.stage].calls
    assert foreseen["digest"].calls == asked_for["digest"]
    assert foreseen["draft"].calls + foreseen["review"].calls == asked_for["draft"]
    for request in server.seen:
        stage, prompt = asked(request)
        assert foreseen[stage].tokens_in >= len(prompt) / 4
        assert foreseen[stage].tokens_out > 0
        assert foreseen[stage].usd is None  # nobody said a price
