"""A group's own settings, which its owner commits to the log and every member's machine follows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from skillclaw.errors import BadInputError, UsageError
from skillclaw.hub.kinds import Moment, Name
from skillclaw.hub.vote_jobs import VoteRules
from skillclaw.settings import ShareSettings
from skillclaw.trajectory.moments import moment_of, utc_text

if TYPE_CHECKING:
    from skillclaw.hub import Hub

__all__ = ["KEYS", "PushPoint", "change", "push_point", "value_of"]


class PushPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where members' machines can listen for news (`hubs.push`), and the word that lets them."""

    url: Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^https?://[^\s@]+\Z")]
    token: Annotated[str, msgspec.Meta(min_length=16, max_length=200, pattern=r"^[A-Za-z0-9_-]+\Z")]


KEYS: dict[str, tuple[Any, str]] = {
    "policy": (
        Literal["team", "strict"],
        "how many must support a change, and who approves it: team, strict",
    ),
    "policies": (
        Annotated[dict[Name, Literal["team", "strict"]], msgspec.Meta(max_length=1000)],
        'by skill, where stricter than policy: {"deploy-app": "strict"}',
    ),
    "reviewers": (Literal[1, 2], "how many different people approve what needs people: 1, 2"),
    "model": (
        Annotated[str, msgspec.Meta(max_length=200)],
        "which model provider the evolver asks, for people",
    ),
    "evolver_cli": (bool, "whether an agent of the evolver's machine may write skills: true, false"),
    "canary": (
        # Not 0: a version that nobody has would be released to all untried when its time is over.
        Annotated[float, msgspec.Meta(gt=0, le=1)],
        "share of the days on which a client has a canary, above 0 and up to 1 (1: all, without a control)",
    ),
    "hosts": (
        Annotated[
            list[Annotated[str, msgspec.Meta(min_length=1, max_length=253)]], msgspec.Meta(max_length=1000)
        ],
        "host names that are lessons and are not masked",
    ),
    "share": (ShareSettings, "what no member sends: default, agents, projects, each redacted or off"),
    "retention_days": (
        # A canary is measured for 28 days, by sessions that are there (gate/rollout/rules.py).
        Annotated[int, msgspec.Meta(ge=30, le=36_500)],
        "days that sealed sessions stay in the hub after they were read, 30 at least: a canary needs 28",
    ),
    "newcomer_days": (
        Annotated[int, msgspec.Meta(ge=0, le=365)],
        "days for which who came by an invite for several counts half; 0: nobody does",
    ),
    "moved": (
        Moment,
        "when the hub's storage was last copied or restored, as 2026-12-01T09:30:00Z, or: now",
    ),
    "votes": (
        VoteRules,
        'when members\' machines are asked to try a change first, as {"needed": 2, "voters": 3, "hours": 72}',
    ),
    "push": (PushPoint, "where machines listen for news; made by `hub push`"),
}
"""Each setting's type, and what it is for."""


def change(hub: Hub, key: str, value: Any) -> dict[str, Any]:
    """Commit `key` = `value` (None takes it out), as owner; the settings as they are then.

    Raises UsageError for a key that does not exist, BadInputError for a value that is none of its, and what
    the hub raises.
    """
    if key not in KEYS:
        raise UsageError(f"A group has no setting {key!r}.", "", f"Known: {', '.join(KEYS)}")
    if key == "moved" and value == "now":
        value = utc_text(datetime.now(UTC))
    if value is not None:
        kind, _ = KEYS[key]
        try:
            checked = msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            raise BadInputError(
                f"That is no value of {key}.", str(error), f"It is: {KEYS[key][1]}"
            ) from error
        if isinstance(checked, ShareSettings) and checked.hubs:
            raise BadInputError("share names hubs.", "Which hubs get sessions is for each machine to say.")
    if key == "moved" and value is not None:
        _check_moved(value)
    if key == "policy" and value is None:
        raise BadInputError("A group has a policy.", "", "Set it to team or strict.")
    if hub.state().settings.get(key) != value:
        hub.commit("settings", {key: value}, role="owner")
    return hub.state().settings


def _check_moved(value: str) -> None:
    """BadInputError for no time, or one to come: until then whoever left could go on sending."""
    then = moment_of(value)
    if then is None or then > datetime.now(UTC):
        raise BadInputError(
            "That is no value of moved.",
            "It is no time that is over." if then is None else f"{value} is still to come.",
            f"It is: {KEYS['moved'][1]}",
        )


def value_of(text: str) -> Any:
    """What somebody wrote as a value: JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def push_point(settings: dict[str, Any]) -> PushPoint | None:
    """The group's `push`, or None where it has none or none that is one."""
    try:
        return msgspec.convert(settings.get("push"), PushPoint)
    except msgspec.ValidationError:
        return None
