"""Questions to a model over real HTTP, in every protocol, and everything that can go wrong with one."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from providers import PROTOCOLS, Answer, Call, Cut, Fail, Huge, Provider, Raw, Say, Slow

from skillclaw.errors import UsageError
from skillclaw.evolve.models import ModelError, Question, open_models
from skillclaw.evolve.models.asker import Asker
from skillclaw.settings import BudgetSettings, EvolveSettings, ModelSettings
from skillclaw.trajectory.model import Record

KEY = "-".join(("key", "of", "the", "test"))


class Part(Record, frozen=True, kw_only=True):
    """A part."""

    number: int


class Reply(Record, frozen=True, kw_only=True):
    """A reply."""

    word: str
    parts: list[Part] = []


def _no_bye(reply: Reply) -> str:
    return "Do not say bye." if reply.word == "bye" else ""


QUESTION = Question(stage="draft", rules="Be short.", prompt="Say hi.", answer=Reply, check=_no_bye)
GOOD = Answer({"word": "hi", "parts": [{"number": 1}]})
WANTED = Reply(word="hi", parts=[Part(number=1)])


@contextmanager
def asker(
    provider: Provider,
    home: Path | None = None,
    *,
    budget: BudgetSettings | None = None,
    timeout: float = 20.0,
    name: str = "",
    **more: Any,
) -> Iterator[Asker]:
    """The model of the provider, which waits a hundredth of a second where others wait one."""
    given = provider.settings(key="env:KEY", timeout=timeout)
    if name:
        given["name"] = name
    settings = EvolveSettings(model=ModelSettings(**given), budget=budget or BudgetSettings())
    made = open_models(settings, home=home, environ={"KEY": KEY}, wait=0.01, **more)
    assert made is not None
    try:
        yield made
    finally:
        made.close()


def protocols(*quick: str) -> Any:
    """All protocols; those that are not `quick` load another library each, and run with the slow tests."""
    return pytest.mark.parametrize(
        "protocol", [p if p in quick else pytest.param(p, marks=pytest.mark.slow) for p in PROTOCOLS]
    )


@protocols("chat")
def test_an_answer_comes_back_as_the_record_that_was_asked_for(protocol: str) -> None:
    with Provider(protocol, GOOD) as provider, asker(provider) as model:
        assert model.ask(QUESTION) == WANTED
        spent = model.ledger.spent()
    assert (spent.tokens, spent.calls) == (110, 1)
    (asked,) = provider.seen
    assert asked.headers["x-skillclaw-own"] == "evolve"
    assert "Be short." in str(asked.body) and "Say hi." in str(asked.body)
    assert "'number'" in str(asked.body).replace('\\"', "'").replace('"', "'"), "the schema goes along"
    if protocol != "bedrock":  # nothing signed goes over plain HTTP
        assert KEY in str(asked.headers)


@pytest.mark.slow
def test_a_model_that_always_thinks_gets_room_for_it_and_others_do_not_think() -> None:
    with Provider("responses", GOOD) as provider, asker(provider) as model:
        model.ask(QUESTION)
    body = provider.seen[0].body
    assert (body["max_output_tokens"], body["reasoning"]["effort"]) == (6000, "low")
    with Provider("anthropic", GOOD) as provider, asker(provider) as model:
        model.ask(QUESTION)
    body = provider.seen[0].body
    assert (body["max_tokens"], body["thinking"]) == (2000, {"type": "disabled"})


@pytest.mark.slow
def test_half_a_surrogate_pair_in_a_session_stops_no_question() -> None:
    odd = Question(stage="draft", rules="", prompt="a\ud83d b", answer=Reply)
    with Provider("chat", GOOD) as provider, asker(provider) as model:
        assert model.ask(odd) == WANTED
    with Provider("chat", Say("a\ud83d"), GOOD) as provider, asker(provider) as model:
        assert model.ask(odd) == WANTED
    with Provider("chat", Answer({"word": "\ud83d"})) as provider, asker(provider) as model:
        with pytest.raises(ModelError) as caught:
            model.ask(odd)
        assert caught.value.kind in ("unusable", "refused")


@pytest.mark.parametrize("first", [Answer({"word": 3}), Answer({"word": "bye"}), Say("Well, hi then!")])
def test_what_does_not_fit_goes_back_with_what_is_wrong(first: Any) -> None:
    with Provider("chat", first, GOOD) as provider, asker(provider) as model:
        assert model.ask(QUESTION) == WANTED
        assert model.ledger.spent().calls == 2
    *_, answer, told = provider.seen[1].body["messages"]
    assert answer["role"] == "assistant"
    assert any(word in told["content"] for word in ("Expected `str`", "Do not say bye.", "not JSON"))


@pytest.mark.slow
def test_words_and_a_fence_around_an_answer_are_no_fault() -> None:
    with Provider("chat", Say('Sure:\n```json\n{"word": "hi"}\n```')) as provider, asker(provider) as model:
        assert model.ask(QUESTION) == Reply(word="hi")


def test_small_local_servers_get_the_schema_as_the_form_of_the_response() -> None:
    with Provider("chat", GOOD) as provider, asker(provider) as model:
        model.ask(QUESTION)
    body = provider.seen[0].body
    assert body["response_format"]["type"] == "json_schema"
    schema = body["response_format"]["json_schema"]["schema"]
    assert "$ref" not in str(schema) and schema["required"] == ["word"]
    assert (body["max_tokens"], body["temperature"], body["seed"]) == (2000, 0.0, 0)


def test_a_server_that_knows_no_form_of_responses_is_asked_by_a_tool_from_then_on(tmp_path: Path) -> None:
    no = Fail(400, "response_format is not supported")
    with Provider("chat", no, GOOD) as provider, asker(provider, tmp_path, record=tmp_path / "r") as model:
        assert model.ask(QUESTION) == WANTED
    assert provider.seen[1].body["tool_choice"] == "required"
    with Provider("chat", no) as provider, asker(provider, None, replay=tmp_path / "r") as model:
        assert model.ask(QUESTION) == WANTED
    assert provider.seen == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "name"),
    [("anthropic", "claude-3-5-haiku-latest"), ("bedrock", "amazon.nova-lite-v1:0")],
)
def test_a_model_without_forms_of_responses_is_asked_by_a_tool(protocol: str, name: str) -> None:
    with Provider(protocol, Answer({"word": 3}), GOOD) as provider, asker(provider, name=name) as model:
        assert model.ask(QUESTION) == WANTED
    assert len(provider.seen) == 2


NEVER = (("unusable", True), 3)
FAILURES: dict[str, tuple[list[Any], tuple[str, bool], int]] = {
    "refusal": ([Say("I will not.", stop="filter")], ("refused", False), 1),
    "bad JSON": ([Say('{"wor')], *NEVER),
    "wrong schema": ([Answer({"word": 3})], *NEVER),
    "cut off by the most tokens": ([Say('{"wor', stop="length")], *NEVER),
    "nothing": ([Say("")], *NEVER),
    "a tool without end": ([Call("other", {"x": 1})], *NEVER),
    "a huge answer": ([Huge(17 << 20)], ("unusable", False), 1),
    "rubbish": ([Raw(b"<html>busy</html>")], ("unusable", False), 2),
    "no body": ([Raw(b"")], ("unusable", False), 2),
    "no key": ([Fail(401, f"{KEY} is no key")], ("refused", True), 1),
    "no right": ([Fail(403)], ("refused", True), 1),
    "no such model": ([Fail(404)], ("refused", True), 1),
    "a bad request": ([Fail(400, "too long")], ("refused", False), 1),
    "elsewhere": ([Raw(b"", 302)], ("refused", True), 1),
    "always broken": ([Fail(500, f"{KEY} broke")], ("unreachable", False), 4),
    "wait an hour": ([Fail(429, "slow down", {"retry-after": "3600"})], ("unreachable", True), 1),
    "always cut": ([Cut()], ("unreachable", False), 4),
    "too slow": ([Slow(2.5, GOOD)], ("late", False), 2),
}
QUICK = {"bad JSON", "no key", "always broken", "rubbish"}


@pytest.mark.parametrize(
    ("protocol", "failure"),
    [
        (p, f) if p == "chat" and f in QUICK else pytest.param(p, f, marks=pytest.mark.slow)
        for p in PROTOCOLS
        for f in FAILURES
    ],
)
def test_every_failure_is_told_as_what_it_is(
    protocol: str, failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    acts, (kind, final), requests = FAILURES[failure]
    if protocol == "gemini" and failure == "no body":
        kind, final, requests = "unusable", True, 3  # its client takes nothing for an empty answer
    caplog.set_level(logging.DEBUG)
    with (
        Provider(protocol, *acts) as provider,
        asker(provider, timeout=1.0 if failure == "too slow" else 20) as model,
    ):
        with pytest.raises(ModelError) as caught:
            model.ask(QUESTION)
        assert (caught.value.kind, caught.value.final) == (kind, final), str(caught.value)
        assert len(provider.seen) == requests == model.ledger.spent().calls
        lines = str(caught.value).splitlines()
        assert 1 <= len(lines) <= 3
        assert KEY not in str(caught.value)
        spent = model.ledger.spent()
        if failure in ("too slow", "always cut", "rubbish"):
            # what the provider has written by then is counted as all that it might
            assert spent.tokens >= requests * QUESTION.max_tokens
        if kind == "refused" and failure != "refusal":
            assert spent.tokens == 0
        if final:
            before = len(provider.seen)
            with pytest.raises(ModelError) as again:
                model.ask(QUESTION)
            assert again.value is caught.value and len(provider.seen) == before, "it is asked no more"
    ours = [record for record in caplog.records if record.name.startswith("skillclaw")]
    assert KEY not in caplog.text and "Say hi" not in caplog.text and not ours


@pytest.mark.slow
@protocols("chat")
def test_where_nobody_listens_one_question_is_enough(protocol: str) -> None:
    with Provider(protocol, GOOD) as provider:
        pass
    with asker(provider) as model, pytest.raises(ModelError) as caught:
        model.ask(QUESTION)
    assert (caught.value.kind, caught.value.final) == ("unreachable", True)
    assert "ConnectionRefusedError" in caught.value.why


@protocols("chat")
@pytest.mark.parametrize("first", [Fail(429, "slow down", {"retry-after": "0"}), Fail(503), Cut()])
def test_what_may_pass_is_tried_again(protocol: str, first: Any) -> None:
    with Provider(protocol, first, GOOD) as provider, asker(provider) as model:
        assert model.ask(QUESTION) == WANTED
        assert model.ledger.spent().calls == 2, "every request counts"


@pytest.mark.slow
def test_a_wait_that_the_provider_asks_for_is_kept() -> None:
    with (
        Provider("chat", Fail(429, "slow down", {"retry-after": "1"}), GOOD) as provider,
        asker(provider) as model,
    ):
        begun = time.monotonic()
        assert model.ask(QUESTION) == WANTED
        assert time.monotonic() - begun >= 1.0


@pytest.mark.slow
def test_one_bad_question_does_not_stop_a_model_that_answered_others() -> None:
    never = Say("no")
    with Provider("chat", GOOD, never, never, never, GOOD) as provider, asker(provider) as model:
        model.ask(QUESTION)
        with pytest.raises(ModelError) as caught:
            model.ask(QUESTION)
        assert (caught.value.kind, caught.value.final) == ("unusable", False)
        assert model.ask(QUESTION) == WANTED


@pytest.mark.slow
def test_three_questions_in_a_row_without_an_answer_are_enough() -> None:
    with Provider("chat", Fail(400, "too long")) as provider, asker(provider) as model:
        for final in (False, False, True):
            with pytest.raises(ModelError) as caught:
                model.ask(QUESTION)
            assert caught.value.final is final
        with pytest.raises(ModelError):
            model.ask(QUESTION)
    assert len(provider.seen) == 3


def test_a_request_is_refused_before_it_would_pass_a_cap(tmp_path: Path) -> None:
    budget = BudgetSettings(calls=2)
    with Provider("chat", GOOD) as provider, asker(provider, budget=budget) as model:
        for prompt in ("one", "two"):
            model.ask(Question(stage="draft", rules="", prompt=prompt, answer=Reply))
        with pytest.raises(ModelError) as caught:
            model.ask(QUESTION)
    assert (caught.value.kind, caught.value.final, len(provider.seen)) == ("budget", True, 2)
    with (
        Provider("chat", GOOD) as provider,
        asker(provider, budget=BudgetSettings(tokens=2000)) as model,
        pytest.raises(ModelError),
    ):
        model.ask(QUESTION)  # the most tokens of the answer alone are that many
    assert provider.seen == []


def loop(model: Asker) -> str:
    """A loop with a tool, as the agent engine has it."""
    from pydantic_ai import Agent

    agent = Agent(model.model("agent"), system_prompt="Look.")

    def look(number: int) -> str:
        """Look at something."""
        return f"seen {number}"

    agent.tool_plain(look)
    return agent.run_sync("go").output


@pytest.mark.slow
@protocols("chat")
def test_a_loop_of_tools_is_recorded_and_paid_for_and_ends_at_the_cap(protocol: str, tmp_path: Path) -> None:
    with Provider(protocol, Call("look", {"number": 1}), Say("done")) as provider:
        for calls, recorded in ((2, 0), (0, 2)):
            with asker(provider, tmp_path) as model:
                assert loop(model) == "done"
                spent = model.ledger.spent()
                assert (spent.calls, spent.recorded, spent.stages[0].stage) == (calls, recorded, "agent")
    with (
        Provider(protocol, Call("look", {"number": 1})) as provider,
        asker(provider, budget=BudgetSettings(calls=5)) as model,
        pytest.raises(ModelError) as caught,
    ):
        loop(model)
    assert (caught.value.kind, len(provider.seen)) == ("budget", 5)


def test_a_question_that_was_answered_costs_nothing_again(tmp_path: Path) -> None:
    with Provider("chat", Answer({"word": 3}), GOOD) as provider:
        for calls in (2, 0):
            with asker(provider, tmp_path) as model:
                assert model.ask(QUESTION) == WANTED
                assert model.ledger.spent().calls == calls
        other = Question(stage="draft", rules="Be short.", prompt="Say hi!", answer=Reply)
        with asker(provider, tmp_path) as model:
            model.ask(other)
            assert model.ledger.spent().calls == 1, "another question is another one"
    kept = sorted((tmp_path / "evolve" / "models").glob("*.json"))
    assert len(kept) == 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in (*kept, kept[0].parent))
    text = "".join(path.read_text() for path in kept)
    assert "Say hi" not in text and KEY not in text


@pytest.mark.slow
def test_answers_that_led_nowhere_are_asked_for_again_by_the_next_cycle(tmp_path: Path) -> None:
    with Provider("chat", *[Say("no")] * 3, GOOD) as provider:
        with asker(provider, tmp_path) as model, pytest.raises(ModelError):
            model.ask(QUESTION)
        with asker(provider, tmp_path) as model:
            assert model.ask(QUESTION) == WANTED


def test_what_was_recorded_is_replayed_without_a_connection_or_a_key(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with Provider("chat", GOOD) as provider:
        with asker(provider, tmp_path / "home", record=record) as model:
            model.ask(QUESTION)
        settings = EvolveSettings(model=ModelSettings(**provider.settings(key="env:KEY")))
    again = open_models(settings, home=tmp_path / "other", environ={}, replay=record)
    assert again is not None
    assert again.ask(QUESTION) == WANTED
    with pytest.raises(ModelError) as caught:
        again.ask(Question(stage="draft", rules="", prompt="another", answer=Reply))
    again.close()
    assert (caught.value.kind, len(provider.seen)) == ("not recorded", 1)
    assert not (tmp_path / "other").exists()
    (missed,) = again.missed()
    assert (missed.stage, missed.calls, missed.tokens_out, missed.usd) == ("draft", 1, 2000, None)


@pytest.mark.slow
def test_a_record_of_one_run_has_what_an_earlier_one_was_answered_too(tmp_path: Path) -> None:
    with Provider("chat", GOOD) as provider:
        for record in (None, tmp_path / "record"):
            with asker(provider, tmp_path / "home", record=record) as model:
                model.ask(QUESTION)
    assert len(list((tmp_path / "record").glob("*.json"))) == 1


@pytest.mark.parametrize(
    ("key", "environ", "why"),
    [
        ("env:GONE", {}, "GONE is not set"),
        ("", {}, "names no place"),
        ("env:ODD", {"ODD": "a b"}, "characters that no key has"),
    ],
)
def test_a_provider_elsewhere_needs_a_key(key: str, environ: dict[str, str], why: str) -> None:
    settings = EvolveSettings(model=ModelSettings(name="gpt-5-mini", key=key))
    with pytest.raises(UsageError, match=why):
        open_models(settings, home=None, environ=environ)


@pytest.mark.parametrize("gone", ["openai", "pydantic_ai.models.openai"])
def test_without_the_extra_the_user_is_told_which(gone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, gone, None)
    settings = EvolveSettings(model=ModelSettings(name="m", url="http://127.0.0.1:9/v1"))
    with pytest.raises(UsageError, match=r"\[llm\]"):
        open_models(settings, home=None, environ={})


def test_without_a_name_there_is_no_model() -> None:
    assert open_models(EvolveSettings(), home=None, environ={}) is None


def test_what_a_filter_stopped_is_asked_anew_by_the_next_cycle(tmp_path: Path) -> None:
    with Provider("chat", Say("I will not.", stop="filter"), GOOD) as provider:
        with asker(provider, tmp_path) as first, pytest.raises(ModelError) as told:
            first.ask(QUESTION)
        assert told.value.kind == "refused"
        with asker(provider, tmp_path) as second:
            assert second.ask(QUESTION) == WANTED
        with asker(provider, tmp_path) as third:
            assert third.ask(QUESTION) == WANTED
        assert len(provider.seen) == 2
