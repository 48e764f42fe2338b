"""How proposals are tried: what the settings say, and what this machine has for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from skillclaw.errors import UsageError
from skillclaw.settings_evolve import EvolveSettings, ModelSettings, Section
from skillclaw.settings_gate import ReplaySettings, replay_model

if TYPE_CHECKING:
    from skillclaw.evolve.engines.cli_plan import CliPlan
    from skillclaw.evolve.replay.cases import TaskSource
    from skillclaw.evolve.replay.executable_agents import Runner

__all__ = ["MINIMAL", "ReplayPlan", "RunPlan", "agent_runner", "replay_plan"]

MINIMAL = "minimal"
"""The agent that is built in; it asks `evolve.model`."""


class ReplayPlan(Section, frozen=True, kw_only=True):
    """How proposals are tried: `gate.replay.*`, and the model that is asked."""

    settings: ReplaySettings
    model: ModelSettings

    @property
    def asks(self) -> bool:
        """Whether a model is asked for decisions."""
        return self.settings.mode in ("decision", "both")

    @property
    def runs(self) -> bool:
        """Whether an agent works on executable cases."""
        return self.settings.mode in ("executable", "both")


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What this machine has for executable cases.

    home      SkillClaw's folder: the user's cases lie there, and rooms are made below it
    cli       on whose account an installed agent works
    tasks     gives the packaged tasks that graded sessions may name
    recorded  whether a recorded session may become a case, by a repository of this machine's user. Not where
              the sessions are of others, who decide themselves what is done in their workspaces' name
    """

    home: Path
    cli: CliPlan | None = None
    tasks: Callable[[], Sequence[TaskSource]] = field(default=tuple)
    recorded: bool = True


def replay_plan(settings: ReplaySettings, evolve: EvolveSettings) -> ReplayPlan | None:
    """The plan of these settings; None where nothing is tried. UsageError where no model is named."""
    if settings.mode == "off":
        return None
    plan = ReplayPlan(settings=settings, model=replay_model(settings, evolve.model))
    if (plan.asks or (plan.runs and settings.agent == MINIMAL)) and not evolve.model.name:
        raise UsageError(
            f"gate.replay.mode {settings.mode!r} asks a model, and none is set.",
            "evolve.model.name is empty.",
            "skillclaw config set evolve.model.name NAME (.protocol, .url, .key); "
            "or: skillclaw config set gate.replay.mode off",
        )
    return plan


def agent_runner(
    agent: str, model: ModelSettings, cli: CliPlan | None, environ: Mapping[str, str], *, other: str = ""
) -> tuple[Runner, tuple[float, float]]:
    """The agent that works on cases, and what a million of its model's tokens costs, in and out.

    model   that the minimal agent asks; an installed one asks `evolve.cli.model`, or the model `other`, whose
            price nobody said. Raises UsageError where it cannot be run here.
    """
    from skillclaw.evolve.replay.executable_agents import cli_runner, minimal_runner
    from skillclaw.headless import PLATFORMS

    if agent == MINIMAL:
        return minimal_runner(model, environ), (model.usd_in, model.usd_out)
    if agent not in PLATFORMS:
        raise UsageError(f"There is no agent {agent!r}.", "", f"Known: {MINIMAL}, {', '.join(PLATFORMS)}")
    if cli is None or cli.cli.agent != agent:
        there = cli.cli.agent if cli is not None else ""
        raise UsageError(
            f"Nothing is set for {agent}.",
            f"evolve.cli.agent is {there!r}; its model and account are not another agent's.",
            f"skillclaw config set evolve.cli.agent {agent}; and evolve.cli.model NAME",
        )
    if other and other != cli.cli.model:
        cli = replace(cli, cli=replace(cli.cli, model=other, usd_in=0.0, usd_out=0.0))
    return cli_runner(cli), (cli.cli.usd_in, cli.cli.usd_out)
