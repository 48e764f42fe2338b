"""What the engine `cli` may do on this machine, as the settings say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from skillclaw.agents import Env, nested
from skillclaw.agents.connections import connected_upstreams
from skillclaw.evolve.models.daybook import DayBook
from skillclaw.settings import BudgetSettings, CliSettings, Settings, UpstreamSettings, user_home
from skillclaw.trajectory.model import Record

__all__ = ["CliPlan", "cli_plan"]


class CliPlan(Record, frozen=True, kw_only=True):
    """Which program, on whose account, and how much.

    named     the upstream of the settings whose key is used; None: the agent's own login
    unknown   the name of an upstream that is wanted and not set
    url       where the agent's own login goes; empty: where the agent's own settings say
    spending  the days' sums of what models cost
    env       the user's surroundings, as outside of a `skillclaw run`: there are programs, logins and keys
    """

    cli: CliSettings
    budget: BudgetSettings
    named: UpstreamSettings | None
    unknown: str = ""
    url: str
    spending: DayBook
    env: Env

    @property
    def name(self) -> str:
        """Who is asked, for reports."""
        return f"{self.cli.agent} with {self.cli.model}"


def cli_plan(settings: Settings, home: Path, environ: Mapping[str, str]) -> CliPlan:
    """The plan of this machine; `home` is SkillClaw's folder."""
    cli = settings.evolve.cli
    agent = settings.agents.get(cli.agent)
    told = cli.upstream or (agent.upstream if agent is not None else None) or ""
    if not told and cli.agent:
        told = connected_upstreams(home).get(cli.agent, "")
    named = None
    if told and "://" not in told:
        named = settings.upstreams.get(told)
    user = user_home()
    env = nested.outside(home, Env(home=user, environ=dict(environ), cwd=user))
    return CliPlan(
        cli=cli,
        budget=settings.evolve.budget,
        named=named,
        unknown=told if named is None and "://" not in told else "",
        url=told if "://" in told else "",
        spending=DayBook(home),
        env=env,
    )
