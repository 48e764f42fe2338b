"""The settings of the gate, `gate.*` (docs/gate.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import replace

from skillclaw.settings_evolve import Amount, ModelName, ModelSettings, Positive, Section
from skillclaw.settings_votes import VotesSettings

__all__ = ["GateSettings", "ReplaySettings", "replay_model"]

Policy = Literal["solo", "team", "strict"]
ReplayMode = Literal["off", "decision", "executable", "both"]
ReplayAgent = Literal["minimal", "claude-code", "codex", "hermes", "openclaw"]


class ReplaySettings(Section, frozen=True, kw_only=True):
    """`gate.replay.*`: trying a proposal on cases that it was not made from.

    `mode` which cases: `decision` asks a model for the next action where a recorded session went wrong,
    `executable` lets an agent work in a closed room; `off` tries nothing, and holds no sessions out.
    `repeats` of each case, with and without the change, 5 at least: four of five have to agree, and fewer
    would be won by chance. `cases` a folder of cases
    of your own, empty for `cases` in SkillClaw's home. `agent` that works on executable cases. `model` that
    is asked, of the provider that `evolve.model.*` names; empty for that model itself. `max_calls` and
    `max_seconds` for one proposal, within `evolve.budget.*`.
    """

    mode: ReplayMode = "off"
    repeats: Annotated[int, Meta(ge=5, le=50)] = 5
    cases: str = ""
    agent: ReplayAgent = "minimal"
    model: ModelName = ""
    max_calls: Amount = 100
    max_seconds: Positive = 900.0


class GateSettings(Section, frozen=True, kw_only=True):
    """`gate.*`: which policy holds on the personal hub; `policies` by skill, where stricter.

    `switchback`: what the policy would release at once is a canary first, here on some days and not on
    others, so that its effect is measured (docs/rollout.md). `replay`: how proposals are tried; `votes`:
    whether this machine tries those of its groups.
    """

    policy: Policy = "solo"
    policies: dict[str, Policy] = {}
    switchback: bool = False
    replay: ReplaySettings = ReplaySettings()
    votes: VotesSettings = VotesSettings()


def replay_model(settings: ReplaySettings, model: ModelSettings) -> ModelSettings:
    """The model that a replay asks, where `model` is `evolve.model`. Another one has a price of its own,
    which nobody said."""
    if not settings.model or settings.model == model.name:
        return model
    return replace(model, name=settings.model, usd_in=0.0, usd_out=0.0)
