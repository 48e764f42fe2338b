"""The engine `agent` over every protocol of a provider: a whole run, the same run replayed, every failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from authored import context, pattern, store
from providers import PROTOCOLS, Call, Cut, Fail, Huge, Provider, Say, Slow

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers.agent import EVOLVER
from skillclaw.evolve.models import open_models
from skillclaw.evolve.transcripts import transcripts
from skillclaw.settings import AuthorSettings, EvolveSettings, ModelSettings

pytestmark = pytest.mark.slow

ENVIRON = {
    "KEY": "k" * 12,
    "AWS_ACCESS_KEY_ID": "a" * 16,
    "AWS_SECRET_ACCESS_KEY": "s" * 16,
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
FIX = "When `npm test` hangs, run `CI=1 npm test` instead."
DRAFT: dict[str, Any] = {
    "action": "create",
    "why": "It waits for a key.",
    "description": "npm: tests that hang. Use when the user asks to run the tests.",
    "edits": [{"op": "add", "kind": "fix", "text": FIX, "patterns": ["p1"]}],
}
WRONG = DRAFT | {"edits": [{"op": "add", "kind": "fix", "text": "Run `npm cache x`.", "patterns": ["p1"]}]}
RUN = (
    Call("list"),
    Call("read", {"path": "patterns/p1.md"}),
    Call("draft", WRONG),
    Call("submit"),
    Call("draft", DRAFT),
    Call("check"),
    Call("submit"),
)


@contextmanager
def asking(
    provider: Provider, home: Path, monkeypatch: pytest.MonkeyPatch, *, timeout: float = 20.0, **more: Any
) -> Iterator[EvolveContext]:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    table = provider.settings(key="env:KEY", timeout=timeout)
    settings = EvolveSettings(model=msgspec.convert(table, ModelSettings))
    models = open_models(settings, home=home, environ=ENVIRON, wait=0.01, **more)
    assert models is not None
    given = context(store([pattern("p1")]))
    try:
        yield replace(given, models=models, home=home, agent=AuthorSettings(steps=12))
    finally:
        models.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_run_gives_a_skill_and_the_same_with_the_provider_gone(
    protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patterns = [pattern("p1")]
    record = tmp_path / "record"
    with Provider(protocol, *RUN) as provider:
        with asking(provider, tmp_path / "a", monkeypatch, record=record) as given:
            (first,) = EVOLVER.propose(patterns, {}, given)
        assert (first.engine, given.failed) == ("agent", {})
        assert len(provider.seen) == len(RUN)
    with Provider(protocol, Fail(500)) as gone:
        with asking(gone, tmp_path / "b", monkeypatch, replay=record) as given:
            (second,) = EVOLVER.propose(patterns, {}, given)
        assert gone.seen == []
    assert second == first
    with transcripts(tmp_path / "a") as kept:
        assert kept is not None
        (one,) = kept.trajectories()
    assert [c.function_name for s in one.steps for c in s.tool_calls or []] == [c.name for c in RUN]


FAILURES = {
    "refusal": (Say("I cannot help with that.", stop="filter"), 20.0),
    "down": (Fail(503), 20.0),
    "key": (Fail(401), 20.0),
    "cut": (Cut(), 20.0),
    "late": (Slow(1.0, Call("list")), 0.2),
    "huge": (Huge(17 << 20), 20.0),
    "words": (Say("I would say that..."), 20.0),
    "no end": (Call("list"), 20.0),
    "no such tool": (Call("bash", {"command": "id"}), 20.0),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_whatever_the_provider_does_the_extractive_engine_takes_over_and_it_is_told(
    protocol: str, failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, timeout = FAILURES[failure]
    with (
        Provider(protocol, act) as provider,
        asking(provider, tmp_path, monkeypatch, timeout=timeout) as given,
    ):
        (one,) = EVOLVER.propose([pattern("p1")], {}, given)
    assert one.engine == "extractive"
    assert given.failed["npm"]
    assert ENVIRON["KEY"] not in given.failed["npm"]
    assert len(provider.seen) <= 12


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_failure_in_the_middle_keeps_the_draft_that_is_there(
    protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Provider(protocol, Call("draft", DRAFT), Fail(400)) as provider,
        asking(provider, tmp_path, monkeypatch) as given,
    ):
        (one,) = EVOLVER.propose([pattern("p1")], {}, given)
    assert one.engine == "agent"
    assert "newest draft without a fault was taken" in given.notes[0]
