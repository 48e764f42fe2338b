"""The settings that the page of settings asks for by name, each with what it means; all others are in its
table. English texts, for `t`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from skillclaw.hub.store_url import safely
from skillclaw.settings import Settings, get_value
from skillclaw.trajectory.model import Record

__all__ = ["GROUPS", "Field", "Group", "shown", "values"]


class Field(Record, frozen=True, kw_only=True):
    """One setting. `choices` are its values with what each means; `unit` stands behind a number."""

    key: str
    title: str
    kind: Literal["choice", "switch", "number", "text"]
    about: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    unit: str = ""


class Group(Record, frozen=True, kw_only=True):
    """Settings that belong together; `id` is the part of the page."""

    id: str
    title: str
    about: str
    fields: tuple[Field, ...]


GROUPS = (
    Group(
        id="policy",
        title="Policy",
        about="What has to hold before something that was learned on this machine reaches your agents.",
        fields=(
            Field(
                key="gate.policy",
                title="Policy of your own hub",
                kind="choice",
                choices=(
                    ("solo", "solo: 3 sessions; released at once; scripts wait for you"),
                    ("team", "team: 3 sessions of 2 people; a canary first"),
                    ("strict", "strict: 5 sessions of 3 people; a replay has to pass; you approve"),
                ),
            ),
            Field(
                key="gate.switchback",
                title="Measure new skills",
                kind="switch",
                about="A new skill is here on half of the days, so that its effect can be measured.",
            ),
            Field(
                key="gate.replay.mode",
                title="Replay",
                kind="choice",
                about="Tries a change on cases that it was not made from. Asks a model.",
                choices=(
                    ("off", "off"),
                    ("decision", "decisions at recorded steps"),
                    ("executable", "tasks in a closed room"),
                    ("both", "both"),
                ),
            ),
            Field(
                key="gate.votes.enabled",
                title="Vote when idle",
                kind="switch",
                about="While you are away, this machine tries changes for your groups on your own sessions.",
            ),
        ),
    ),
    Group(
        id="budget",
        title="Budget",
        about="What models may cost. 0 is no limit. The engine extractive asks none.",
        fields=(
            Field(key="evolve.budget.usd", title="A cycle, dollars", kind="number", unit="$"),
            Field(key="evolve.budget.tokens", title="A cycle, tokens", kind="number"),
            Field(key="evolve.budget.calls", title="A cycle, calls", kind="number"),
            Field(key="evolve.budget.day_usd", title="A day, dollars", kind="number", unit="$"),
            Field(key="evolve.budget.day_tokens", title="A day, tokens", kind="number"),
            Field(key="evolve.budget.day_calls", title="A day, calls", kind="number"),
        ),
    ),
    Group(
        id="evolver",
        title="Evolver",
        about="Who turns patterns into skills, and how often.",
        fields=(
            Field(
                key="evolve.engine",
                title="Engine",
                kind="choice",
                choices=(
                    ("extractive", "extractive: no model, no cost"),
                    ("llm", "llm: a model writes"),
                    ("agent", "agent: a model reads, drafts and checks"),
                    ("cli", "cli: your own agent writes"),
                ),
            ),
            Field(key="evolve.interval", title="Minutes between cycles", kind="number"),
            Field(
                key="evolve.model.name",
                title="Model",
                kind="text",
                about="For the engines llm and agent, and for replays.",
            ),
            Field(
                key="evolve.model.protocol",
                title="Protocol",
                kind="choice",
                choices=tuple(
                    (name, name) for name in ("chat", "responses", "anthropic", "gemini", "bedrock")
                ),
            ),
            Field(key="evolve.model.url", title="Address", kind="text", about="Empty: the provider's own."),
            Field(
                key="evolve.model.key",
                title="Where its key is",
                kind="text",
                about="env:NAME or keyring:NAME, never the key itself.",
            ),
        ),
    ),
    Group(
        id="machine",
        title="This machine",
        about="Recording, updates, and this page.",
        fields=(
            Field(
                key="journal.idle", title="A session is over after", kind="number", unit="s without a request"
            ),
            Field(key="journal.expire_days", title="Raw requests are kept for", kind="number", unit="days"),
            Field(
                key="sync.merge",
                title="A release meets a copy that you edited",
                kind="choice",
                choices=(("ask", "you decide"), ("auto", "merged where nothing conflicts")),
            ),
            Field(
                key="sync.canary",
                title="Take part in canaries",
                kind="switch",
                about="Otherwise this machine keeps the version before until a new one is stable.",
            ),
            Field(key="dashboard.hours", title="Stay logged in for", kind="number", unit="hours"),
        ),
    ),
)


def values(settings: Settings) -> Mapping[str, Any]:
    """What each of the fields is set to, as its input shows it."""
    return {field.key: shown(get_value(settings, field.key)) for group in GROUPS for field in group.fields}


def shown(value: Any) -> str:
    """A value as one writes it: `config set` takes it back, but where an address holds credentials."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | tuple | dict):
        return msgspec.json.encode(value).decode()
    return "" if value is None else str(safely(value))
