"""Mal, a member of a group that means it no good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hubs_at_hand import bundle
from team import hub, state, taken

from skillclaw.hub.inbox import send
from skillclaw.server.groups import cycle
from skillclaw.skills.records import Proposal, Verdict


def sent(place: Path, ident: str, skill: str, text: str = "- Look.", **more: Any) -> str:
    """What mal proposed, as the log has it; the reason where it was refused."""
    changed: dict[str, Any] = {"action": "create", "base": None, "engine": "person", "why": "w"} | more
    if changed["action"] != "retire":
        changed.setdefault("bundle", bundle(skill, text, *changed.pop("files", ())))
    given = Proposal(id=ident, skill=skill, **changed)
    before = set(state(place).proposals)
    send(hub(place, "mal"), "proposal", msgspec.to_builtins(given), role="member")
    report = taken(place)
    new = set(state(place).proposals) - before
    return new.pop() if new else str(report["refused"][-1]["reason"])


def put(place: Path, ident: str, skill: str, text: str = "- Look.", **more: Any) -> str:
    """The same with the key of an evolver, which asks nobody; it is held."""
    changed: dict[str, Any] = {"action": "create", "base": None, "engine": "person", "why": "w"} | more
    if changed["action"] != "retire":
        changed.setdefault("bundle", bundle(skill, text))
    own = hub(place)
    own.propose(Proposal(id=ident, skill=skill, **changed))
    own.record_verdicts(ident, [Verdict(check="spec", verdict="hold", reason="x")], "held")
    return ident


def after(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """A group's cycles run so many days from now."""

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz or UTC) + timedelta(days=days)

    monkeypatch.setattr(cycle, "datetime", Later)
    monkeypatch.setattr(cycle, "no_later", lambda hub: Later.now())
