"""Whether a session may leave for a hub. Pure: settings, the group's own rules and the session decide.

The strictest of all rules that apply wins (docs/sharing.md). Adding an `off` anywhere never lets more
through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.settings import ShareSettings
from skillclaw.trajectory.model import Record

__all__ = ["Decision", "Grant", "HubView", "Mark", "Subject", "check_name", "decide", "named", "observe"]

Mark = str
"""What the user said of one session: `never`, `allow` (although it is from before), or empty."""


class Grant(Record, frozen=True, kw_only=True):
    """What is remembered of one rule, so that consent does not reach back.

    value  `off`, `redacted`, or `unset` once the rule was taken out
    since  when it began to let through (ISO 8601, UTC); empty: it never did
    group  of a hub's rule: the group that was allowed; empty until the hub was looked at
    past   of a hub's rule: for which rules older sessions were asked for too (`*`: all), and when
    ahead  keys of sessions that were here when it began to let through, and say that they began later: a
           clock was ahead, and they are from before
    """

    value: str
    since: str = ""
    group: str = ""
    past: dict[str, str] = {}
    ahead: list[str] = []


class HubView(Record, frozen=True, kw_only=True):
    """A hub as the decision needs it: its name here, its group, the group's settings (from its log),
    grants.
    """

    name: str
    group: str
    settings: dict[str, Any] = {}
    grants: dict[str, Grant] = {}


class Subject(Record, frozen=True, kw_only=True):
    """A session as the decision needs it.

    remote `host/path` of its git remote; other: it is another person's; mark: what the user said of it, and
    asked: when, since a word on one hub says nothing about one that is allowed later; ahead: it says that it
    began later than now
    """

    key: str
    agent: str
    project: str = ""
    remote: str = ""
    started: str = ""
    other: bool = False
    mark: Mark = ""
    asked: str = ""
    ahead: bool = False


class Decision(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Whether the session may go, the rule that settled it, and why in a sentence."""

    allowed: bool
    rule: str
    why: str


def decide(settings: ShareSettings, hub: HubView, session: Subject) -> Decision:
    """Whether `session` may be shared with `hub`."""
    if session.other:
        return _no("person", "It is a session of another person, who has to share it.")
    if session.mark == "never":
        return _no("session", "You said that this session is never shared.")
    rule = f"share.hubs.{hub.name}"
    if settings.hubs.get(hub.name) != "redacted":
        told = "was forbidden" if hub.name in settings.hubs else "was not allowed"
        return _no(rule, f"Sharing with hub {hub.name} {told}: skillclaw share allow --hub {hub.name}")
    grant = hub.grants.get(f"hubs.{hub.name}")
    if grant is None or not hub.group or grant.group != hub.group:
        return _no(rule, f"You allowed another group than the one that is at hub {hub.name} now.")
    local = _weigh(settings, session, "share.")
    if not local.allowed:
        return local
    group = _group_rules(hub, session)
    if not group.allowed:
        return group
    since, past, ahead = _since(settings, hub, session)
    if session.mark == "allow":
        past = max(past, session.asked)
    before = not session.started or session.started < since or ahead
    if before and past < since:
        return _no("past", f"It is from before you allowed it ({since}), and you did not ask for such ones.")
    return local


def named(settings: ShareSettings, session: Subject) -> Iterator[tuple[str, str]]:
    """(rule, value) of the rules that name the session's agent or project; rules without their `share.`."""
    for name, value in sorted(settings.agents.items()):
        if _same(name, session.agent):
            yield f"agents.{name}", value
    for name, value in sorted(settings.projects.items()):
        if _is_project(name, session):
            yield f"projects.{name}", value


def observe(
    settings: ShareSettings,
    before: Mapping[str, Grant],
    now: str,
    ahead: Callable[[], list[str]] = list,
) -> dict[str, Grant]:
    """The grants after a look at the settings: what began to let through since counts from `now`. `ahead`
    gives the keys of sessions that are here and say that they began later.
    """
    rules = {"default": settings.default}
    for kind in ("hubs", "agents", "projects"):
        rules |= {f"{kind}.{name}": value for name, value in getattr(settings, kind).items()}
    after: dict[str, Grant] = {}
    for name, value in rules.items():
        known = before.get(name, Grant(value="unset"))
        if value == "redacted" and known.value != "redacted":
            # a new consent: for no group yet, and for no past
            known = Grant(value=value, since=now, ahead=ahead())
        after[name] = msgspec.structs.replace(known, value=value)
    for name, known in before.items():
        if name not in rules:
            since = now if known.value == "off" else known.since
            ahead_of = ahead() if known.value == "off" else known.ahead
            after[name] = msgspec.structs.replace(
                known, value="unset", since=since, group="", past={}, ahead=ahead_of
            )
    return after


def _since(settings: ShareSettings, hub: HubView, session: Subject) -> tuple[str, str, bool]:
    """From when on the rules let the session through, when its past was asked for last, and whether it is
    from before though it says that it began later."""
    own = hub.grants[f"hubs.{hub.name}"]
    applying = ["*", *(name for name in hub.grants if _applies(name, session))]
    if not any(True for _ in named(settings, session)):
        applying.append("default")
    grants = [own, *(hub.grants[name] for name in applying if name in hub.grants)]
    since = max(grant.since for grant in grants)
    ahead = session.ahead or any(session.key in grant.ahead for grant in grants)
    return since, max(own.past.get(name, "") for name in applying), ahead


def _applies(name: str, session: Subject) -> bool:
    kind, _, rest = name.partition(".")
    if kind == "agents":
        return _same(rest, session.agent)
    return kind == "projects" and _is_project(rest, session)


def _group_rules(hub: HubView, session: Subject) -> Decision:
    """What the group's log says under `share`: the settings' shape without `hubs`, which are named by each
    machine for itself, or `off` for everything.
    """
    given = hub.settings.get("share", {})
    try:
        rules = msgspec.convert(
            {"default": given} if isinstance(given, str) else {"default": "redacted", **given}, ShareSettings
        )
        if rules.hubs:
            raise TypeError("hubs are no matter of a group's log")
    except (msgspec.ValidationError, TypeError):
        return _no("hub", f"Hub {hub.name} says something about sharing that this version does not know.")
    found = _weigh(rules, session, "hub: share.")
    return (
        found if found.allowed else msgspec.structs.replace(found, why=f"The group wants none: {found.why}")
    )


def _weigh(settings: ShareSettings, session: Subject, prefix: str) -> Decision:
    rules = list(named(settings, session))
    for name, value in rules:
        if value != "redacted":
            return _no(prefix + name, f"{prefix}{name} is {value}.")
    if rules:
        return Decision(allowed=True, rule=prefix + rules[-1][0], why=f"{prefix}{rules[-1][0]} allows it.")
    if settings.default != "redacted":
        return _no(f"{prefix}default", "No rule names its agent or its project, and the default is off.")
    return Decision(allowed=True, rule=f"{prefix}default", why="The default allows it.")


def _no(rule: str, why: str) -> Decision:
    return Decision(allowed=False, rule=rule, why=why)


def _same(name: str, other: str) -> bool:
    return name.casefold() == other.casefold()


def _is_project(name: str, session: Subject) -> bool:
    """`name` is the project's name, its remote, or `host/owner/*` for all remotes below."""
    rule = name.casefold()
    if rule.endswith("/*"):
        return session.remote.casefold().startswith(rule[:-1])
    return rule in (session.project.casefold(), session.remote.casefold()) and rule != ""


def check_name(kind: str, name: str) -> None:
    """Raise BadInputError for what cannot be the name of an agent, a project or a hub."""
    if not name.strip() or len(name) > 300 or any(ord(char) < 32 for char in name):
        raise BadInputError(f"{name!r} is not a name of {kind}.", "", "See them: skillclaw share status")
