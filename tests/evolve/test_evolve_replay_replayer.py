"""A replay is put together from decisions and executable cases, whoever runs the latter."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from test_evolve_replay_choosing import context, pattern, proposal

from skillclaw.errors import UsageError
from skillclaw.evolve.models import Ledger, ModelError
from skillclaw.evolve.replay.executable import Limits
from skillclaw.evolve.replay.executing import Executed
from skillclaw.evolve.replay.plan import ReplayPlan, replay_plan
from skillclaw.evolve.replay.remembered import Remembered
from skillclaw.evolve.replay.replayer import Replayer, replaying
from skillclaw.gate.replay.records import CaseScore, Cost
from skillclaw.settings import BudgetSettings, EvolveSettings, ModelSettings, ReplaySettings
from skillclaw.settings_gate import replay_model
from skillclaw.skills.records import Proposal

if TYPE_CHECKING:
    from skillclaw.evolve.models.asker import Asker


@dataclass
class Running:
    """Stands for an agent in its room: it gives what it is told to, at once."""

    gives: Executed
    runner: SimpleNamespace
    seen: list[tuple[str, Limits]] = field(default_factory=list)

    def __call__(self, asked: Proposal, replayer: Replayer, left: Limits) -> Executed:
        self.seen.append((asked.id, left))
        return self.gives


def running(**gives: Any) -> Any:
    return Running(Executed(**gives), SimpleNamespace(name="minimal", model="m"))


RAN = CaseScore(case="c", kind="executable", source="cases", before=[0.0], after=[1.0])


def test_executable_cases_are_added_with_their_cost(tmp_path: Path) -> None:
    cost = Cost(calls=2, tokens=30, usd=0.5, seconds=4.0)
    runs = running(scores=[RAN], cost=cost, missing="Two more need a test.", cut_off="The model failed.")
    plan = ReplayPlan(settings=ReplaySettings(mode="executable"), model=ModelSettings(name="m"))
    replayer = Replayer(plan=plan, context=context(), home=tmp_path, executable=runs)
    result = replayer(proposal(pattern("x", [0, 1, 2], [3, 4, 5])))
    ((asked, left),) = runs.seen
    assert (asked, left.calls) == ("p", 100) and 890 < left.seconds <= 900
    assert (result.agent, result.model, result.scores) == ("minimal", "m", [RAN])
    assert (result.missing, result.cost) == ("Two more need a test.", cost)
    assert replayer.cut_off == {"p": "The model failed."}


def test_both_kinds_share_the_limits_of_one_proposal(tmp_path: Path) -> None:
    runs, model = running(scores=[RAN]), cast("Asker", Shaky(fails_at=0))
    settings = ReplaySettings(mode="both", repeats=2, max_calls=60)
    plan = ReplayPlan(settings=settings, model=ModelSettings(name="m"))
    replayer = Replayer(plan=plan, context=context(), home=tmp_path, asker=model, executable=runs)
    assert replayer.most == 3, "half of the calls are for decisions, eight at most for each"
    result = replayer(proposal(pattern("x", [0, 1, 2], [3, 4, 5])))
    assert [one.kind for one in result.scores] == ["decision"] * 3 + ["executable"]
    assert runs.seen[0][1].calls == 60 - result.cost.calls >= 30
    assert Remembered(tmp_path).last("p") == result, "people are shown both"


def test_without_anything_to_run_them_that_is_said(tmp_path: Path) -> None:
    plan = ReplayPlan(settings=ReplaySettings(mode="executable"), model=ModelSettings())
    with replaying(plan, EvolveSettings(), home=tmp_path, environ={}) as made:
        assert made is not None
        assert "No executable cases can be tried here" in made(context())(proposal()).missing
    with replaying(None, EvolveSettings(), home=tmp_path, environ={}) as made:
        assert made is None


def test_the_plan_is_of_the_settings() -> None:
    assert replay_plan(ReplaySettings(), EvolveSettings()) is None
    with pytest.raises(UsageError, match="none is set"):
        replay_plan(ReplaySettings(mode="both"), EvolveSettings())
    own = ModelSettings(name="large", url="https://models.example.org/v1", usd_in=3.0)
    assert replay_model(ReplaySettings(), own) == own
    other = replay_model(ReplaySettings(model="small"), own)
    assert (other.name, other.url, other.usd_in) == ("small", own.url, 0.0)


class Shaky:
    """What stands for a model whose provider fails at some questions; nothing of it goes over HTTP."""

    name, tools, told, held, varies, offline = "m", "prompt", False, False, False, False
    context_tokens = 32_768

    def __init__(self, fails_at: int) -> None:
        self.left = fails_at
        self.asked = 0
        self.ledger = Ledger(BudgetSettings())

    def quickly(self) -> dict[str, str]:
        return {}

    def request(self, *_: object) -> SimpleNamespace:
        self.asked += 1
        self.left -= 1
        if self.left == 0:
            raise ModelError("late", "m gave no answer in 1 s.")
        return SimpleNamespace(text='{"tool": "Bash", "arguments": {"command": "npm ci"}}')


def test_what_an_outage_spoiled_is_asked_again_and_what_was_answered_is_not(tmp_path: Path) -> None:
    plan = ReplayPlan(settings=ReplaySettings(mode="decision", repeats=2), model=ModelSettings(name="m"))
    one, model = proposal(pattern("x", [0, 1, 2], [3, 4, 5])), Shaky(fails_at=3)
    replayer = Replayer(plan=plan, context=context(), home=tmp_path, asker=cast("Asker", model))
    first = replayer(one)
    assert first.scores[0].before == [1.0, None] and "no answer in 1 s" in first.missing
    assert replayer.cut_off == {"p": "m gave no answer in 1 s."}
    again = Replayer(plan=plan, context=context(), home=tmp_path, asker=cast("Asker", model))
    assert again(one).scores[0].before == [1.0, 1.0] and again.cut_off == {}
    asked = model.asked
    assert again(one).scores == again.results["p"].scores and model.asked == asked
