"""What an entry of a log says, in words: a text of the pages and its values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from skillclaw.hub import HubState
from skillclaw.hub.records import Commit

__all__ = ["Words", "name_of", "words"]

Words = tuple[str, dict[str, Any]]
"""English text with places, and what stands there. Values that the pages have words for are `role`, `stage`,
`status`, `action` and `vote`."""


def name_of(state: HubState, public: object) -> str:
    """What the log calls a key: its name, else its role, with its beginning."""
    key = state.keys.get(str(public))
    if key is None:
        return str(public)[:12]
    return f"{key.name or key.role} ({key.public[:8]})"


def words(state: HubState, commit: Commit) -> Words:
    """The text for one entry. What a body holds is shown as text, whatever it is."""
    make = _KINDS.get(commit.kind)
    body = {name: value for name, value in commit.body.items() if value is not None}
    return make(state, body) if make is not None else ("{kind}", {"kind": commit.kind})


def _text(value: object, most: int = 300) -> str:
    told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return told if len(told) <= most else told[: most - 1] + "…"


def _short(body: Mapping[str, Any], name: str) -> str:
    return str(body.get(name, ""))[:12]


def _settings(state: HubState, body: Mapping[str, Any]) -> Words:
    # the token of `push` lets a machine listen, and nobody needs to see it
    told = [f"{name} = {'…' if name == 'push' else _text(value)}" for name, value in sorted(body.items())]
    return "set for the group: {what}", {"what": _text(", ".join(told) or "-", 600)}


def _key(text: str, field: str) -> Any:
    return lambda state, body: (text, {"who": name_of(state, body.get(field))})


def _key_add(state: HubState, body: Mapping[str, Any]) -> Words:
    who = _text(body.get("name") or _short(body, "public"), 100)
    return "admitted {who} as {role}", {"who": who, "role": str(body.get("role", ""))}


def _invite(state: HubState, body: Mapping[str, Any]) -> Words:
    values = {
        "role": str(body.get("role", "")),
        "uses": body.get("uses", 1),
        "until": str(body.get("expires", "")),
        "who": _text(body.get("name") or "-", 100),
    }
    return "made an invite as {role} for {who}, {uses} uses, until {until}", values


def _join(state: HubState, body: Mapping[str, Any]) -> Words:
    return "{who} joined", {"who": name_of(state, body.get("public"))}


def _skill_of(state: HubState, proposal: object) -> str:
    known = state.proposals.get(str(proposal))
    return known.skill if known is not None else "?"


def _proposal(state: HubState, body: Mapping[str, Any]) -> Words:
    values = {"action": str(body.get("action", "")), "skill": _text(body.get("skill", ""), 80)}
    if body.get("author"):
        return "{who} proposed: {action} {skill}", values | {"who": name_of(state, body["author"])}
    return "proposed: {action} {skill}", values


def _about(text: str, *names: str, member: bool = False) -> Any:
    def make(state: HubState, body: Mapping[str, Any]) -> Words:
        values: dict[str, Any] = {name: _text(body.get(name, "")) for name in names}
        values |= {"proposal": _short(body, "proposal"), "skill": _skill_of(state, body.get("proposal"))}
        if member:
            values["who"] = name_of(state, body.get("public"))
        return text, values

    return make


def _release(state: HubState, body: Mapping[str, Any]) -> Words:
    values = {
        "skill": _text(body.get("skill", ""), 80),
        "version": _short(body, "version"),
        "stage": str(body.get("stage", "stable")),
    }
    return "released {skill} {version} as {stage}", values


def _version(text: str, without: str = "") -> Any:
    def make(state: HubState, body: Mapping[str, Any]) -> Words:
        values = {
            "skill": _text(body.get("skill", ""), 80),
            "version": _short(body, "version"),
            "stage": str(body.get("stage", "stable")),
            "why": _text(body.get("why", "")),
        }
        return (text if body.get("version") or not without else without), values

    return make


def _pin(state: HubState, body: Mapping[str, Any]) -> Words:
    text = "pinned {skill}" if body.get("pinned") else "unpinned {skill}"
    return text, {"skill": _text(body.get("skill", ""), 80)}


_KINDS: dict[str, Any] = {
    "settings": _settings,
    "key-add": _key_add,
    "key-revoke": _key("revoked {who} for good", "public"),
    "invite": _invite,
    "uninvite": lambda state, body: ("withdrew the invite {key}", {"key": _short(body, "public")}),
    "join": _join,
    "leave": _key("{who} left", "public"),
    "rotate": _key("{who} has a new key", "new"),
    "proposal": _proposal,
    "verdict": _about("the gate said of {skill} ({proposal}): {status}", "status"),
    "vote": _about("{who} votes {vote} on {skill} ({proposal}) {reason}", "vote", "reason", member=True),
    "counts": _about(
        "{who} tried {skill} ({proposal}): {won} cases better, {lost} worse, {tied} the same",
        "won",
        "lost",
        "tied",
        member=True,
    ),
    "approval": _about("approved {skill} ({proposal}) {note}", "note"),
    "release": _release,
    "promote": _version("{skill} {version} is {stage} from now on. {why}"),
    "rollback": _version(
        "rolled {skill} back to {version}. {why}", "rolled {skill} back; nothing took its place. {why}"
    ),
    "pin": _pin,
    "archive": _version("archived {skill}. {why}"),
    "revoke": _version(
        "revoked {skill} {version} as unsafe. {why}", "revoked every version of {skill} as unsafe. {why}"
    ),
    "tombstone": lambda state, body: ("took a session out of every later cycle", {}),
}
