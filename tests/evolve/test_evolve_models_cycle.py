"""A cycle whose evolver asks a model: what it costs, what it says, what is tried again, what is forgotten."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from cli import fails, ok, ok_json
from providers import Answer, Fail, Provider, Say

from skillclaw.errors import UsageError
from skillclaw.evolve.cycle import run_cycle
from skillclaw.evolve.drafting.records import Target
from skillclaw.evolve.drafting.targets import targets
from skillclaw.evolve.evolvers import Current, EvolveContext, evolvers
from skillclaw.evolve.evolvers.extractive import EVOLVER
from skillclaw.evolve.models import Forecast, ModelError, Question
from skillclaw.evolve.models.answers import answers_folder
from skillclaw.evolve.models.daybook import FILE
from skillclaw.evolve.models.fallback import fall_back
from skillclaw.evolve.report import CycleReport
from skillclaw.server.machine import Machine
from skillclaw.server.work import cycle_inputs
from skillclaw.skills.records import Pattern, Proposal
from skillclaw.trajectory.model import Record

STEPS = [
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
]


class Word(Record, frozen=True, kw_only=True):
    """Yes or no."""

    yes: bool


class Asking:
    """An outside evolver: it asks whether a skill is wanted, and writes it as the extractive one does."""

    name = "asking"
    needs_model = True

    def propose(
        self, patterns: list[Pattern], current: dict[str, Current], context: EvolveContext
    ) -> list[Proposal]:
        found: list[Proposal] = []
        assert context.models is not None
        for target in targets(patterns, current, context):
            try:
                wanted = context.models.ask(self.question(target))
            except ModelError as error:
                found += fall_back(error, target.patterns, current, context)
                continue
            if wanted.yes:
                found += EVOLVER.propose(target.patterns, current, context)
        return found

    def question(self, target: Target) -> Question[Word]:
        return Question(
            stage="draft", rules="Say yes or no.", prompt=target.topic, answer=Word, max_tokens=50
        )

    def forecast(self, targets: Sequence[Target], context: EvolveContext) -> list[Forecast]:
        assert context.models is not None
        return [context.models.ledger.price("draft", len(targets), 100 * len(targets), 50 * len(targets))]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home with nine sessions of three users, and the evolver of another package."""
    made = [session(user, n, "run the test-suite of this project", STEPS) for user in "abc" for n in range(3)]
    ok("import", str(write(tmp_path / "s.jsonl", made)), home=tmp_path)
    evolvers()["asking"] = Asking()
    yield tmp_path
    del evolvers()["asking"]


def cycle(home: Path, provider: Provider, *, more: dict[str, str] | None = None, **given: Any) -> CycleReport:
    table = provider.settings(key="env:KEY")
    environ = {f"SKILLCLAW_EVOLVE__MODEL__{name.upper()}": str(value) for name, value in table.items()}
    machine = Machine(home / ".skillclaw", {**environ, "KEY": "of-the-test", **(more or {})})
    try:
        return run_cycle(**cycle_inputs(machine), engine="asking", **given)
    finally:
        machine.sessions.close()


YES = Answer({"yes": True})


def test_what_was_spent_is_told_and_a_second_cycle_asks_nothing(home: Path) -> None:
    with Provider("chat", YES) as provider:
        first = cycle(home, provider, more={"SKILLCLAW_EVOLVE__MODEL__USD_IN": "2.0"})
        assert [r.skill for r in first.released] != []
        assert (first.model, first.spent.calls, first.spent.tokens) == ("openai:m", 1, 110)
        assert first.spent.usd == pytest.approx(0.0002)
        assert [(s.stage, s.calls) for s in first.spent.stages] == [("draft", 1)]
        second = cycle(home, provider)
        assert (second.spent.calls, second.proposals) == (0, [])
    assert (home / ".skillclaw" / FILE).stat().st_mode & 0o077 == 0


def test_a_dry_run_asks_nothing_says_what_it_would_cost_and_uses_what_is_recorded(home: Path) -> None:
    with Provider("chat", YES) as provider:
        dry = cycle(home, provider, dry_run=True)
        assert provider.seen == []
        assert [(f.stage, f.calls, f.tokens_in, f.usd) for f in dry.forecast] == [("draft", 1, 100, None)]
        assert dry.degraded == ""
        assert dry.spent.calls == 0 and not any("took over" in note for note in dry.notes)
        cycle(home, provider, record=home / "record")
        again = cycle(home, provider, dry_run=True, full=True)
        assert again.spent.recorded == 1 and len(provider.seen) == 1
        assert [f.recorded for f in again.forecast] == [1]


def test_what_a_model_failed_at_is_written_by_the_extractive_engine_and_tried_again(home: Path) -> None:
    with Provider("chat", Fail(401), YES) as provider:
        first = cycle(home, provider)
        (judged,) = first.proposals
        assert judged.proposal.engine == "extractive" and first.released != []
        (note,) = first.notes
        assert "The extractive engine took over where asking failed (npm)" in note and "401" in note
        assert "401" in first.degraded and "npm" not in first.degraded
        second = cycle(home, provider)
        assert second.degraded == ""
        assert second.spent.calls == 1, "the topic is fresh again"
        assert cycle(home, provider).spent.calls == 0, "and is done when the model answered"


@pytest.mark.slow
def test_a_model_that_declines_is_not_asked_again(home: Path) -> None:
    with Provider("chat", Answer({"yes": False})) as provider:
        assert cycle(home, provider).proposals == []
        assert cycle(home, provider).spent.calls == 0
        assert len(provider.seen) == 1


@pytest.mark.slow
def test_a_cycle_is_reproduced_from_its_record(home: Path) -> None:
    record = home / "record"
    with Provider("chat", Say("Yes!"), YES) as provider:
        first = cycle(home, provider, record=record, dry_run=False)
        assert first.spent.calls == 2
    other = home / "other"
    other.mkdir()
    ok("import", str(home / "s.jsonl"), home=other)
    again = cycle(other, provider, replay=record)  # the provider is gone
    assert [j.proposal.id for j in again.proposals] == [j.proposal.id for j in first.proposals] != []
    assert (again.spent.calls, again.spent.recorded) == (0, 2)
    assert not answers_folder(other / ".skillclaw").exists()


@pytest.mark.slow
def test_forgetting_a_session_deletes_what_models_said_of_it(home: Path) -> None:
    with Provider("chat", YES) as provider:
        cycle(home, provider)
    folder = answers_folder(home / ".skillclaw")
    assert len(list(folder.glob("*.json"))) == 1
    one = ok_json("sessions", "list", home=home)[0]["id"]
    ok("sessions", "forget", one, "--yes", home=home)
    assert not folder.exists()


def test_an_engine_that_needs_a_model_says_how_to_set_one(home: Path) -> None:
    machine = Machine(home / ".skillclaw", {})
    with pytest.raises(UsageError, match=r"evolve\.model\.name"):
        run_cycle(**cycle_inputs(machine), engine="asking")
    machine.sessions.close()


@pytest.mark.slow
def test_an_engine_that_asks_no_model_has_nothing_to_record(home: Path) -> None:
    said = fails("evolve", "--record", str(home / "r"), home=home, code=2)
    assert "asks no model" in said
    assert "There is no folder" in fails("evolve", "--replay", str(home / "none"), home=home, code=2)


@pytest.mark.slow
def test_settings_name_where_the_key_is_and_never_hold_it(tmp_path: Path) -> None:
    secret = "-".join(("sk", "proj", "0123456789"))
    said = fails("config", "set", "evolve.model.key", secret, home=tmp_path, code=2)
    assert "never the key itself" in said and secret not in said
    ok("config", "set", "evolve.model.key", "env:MY_KEY", home=tmp_path)
    (tmp_path / ".skillclaw" / "config.toml").write_text(f'[evolve.model]\nkey = "{secret}"\n')
    said = fails("config", "get", "evolve.model.key", home=tmp_path)
    assert "never the key itself" in said and secret not in said


@pytest.mark.slow
def test_a_cycle_without_a_model_loads_no_library_of_models(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['skillclaw', 'evolve', '--home', sys.argv[1], '--json']\n"
        "from skillclaw.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.exit(any(n.split('.')[0] in ('pydantic_ai', 'openai', 'httpx2') for n in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"cycle"' in done.stdout
