"""Giving and taking consent: the settings are written, what it opens or closes is counted and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from skillclaw import settings as settings_module
from skillclaw.errors import UsageError
from skillclaw.journal.share_rules import Grant, HubView, check_name, decide
from skillclaw.server.sharing.sending import withdraw
from skillclaw.server.sharing.view import bound, clock, current, hub_names, open_hub, regrant, subjects
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["Changed", "allow", "deny", "mark"]


class Changed(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`share allow|deny --json`.

    rules      the settings that were written
    open       sessions here that may leave now, counted once for each hub
    past       sessions that fit the rules, but are from before they were given, and stay
    withdrawn  sessions that were taken out of the outbox
    sent       sessions that had left already, for what was denied: these stay there until forgotten
    notes      the same for people
    """

    rules: list[str]
    open: int = 0
    past: int = 0
    withdrawn: int = 0
    sent: int = 0
    notes: list[str] = []


def allow(
    machine: Machine, *, hub: str | None, agent: str | None, project: str | None, past: bool
) -> Changed:
    """Write the rules. A hub is opened first: consent is for the group that lies there now, and for no
    other.
    """
    settings, grants = current(machine)
    opened = open_hub(machine, settings, hub) if hub is not None else None
    rules = _rules(machine, hub, agent, project)
    for rule in rules:
        settings_module.set_value(machine.home, f"share.{rule}", "redacted")
    settings, grants = current(machine)
    _settled(settings_module.flatten(settings), rules, "redacted")
    if opened is not None and hub is not None:
        name = f"hubs.{hub}"
        grant = grants[name]
        if grant.group != opened.view.group:
            grant = Grant(value="redacted", since=clock(), group=opened.view.group)
        if past:
            scopes = [rule for rule in rules if rule != name] or ["*"]
            grant = msgspec.structs.replace(grant, past={**grant.past, **dict.fromkeys(scopes, clock())})
        grants[name] = grant
        regrant(machine, grants)
    return _counted(machine, rules, only=hub)


def deny(machine: Machine, *, hub: str | None, agent: str | None, project: str | None) -> Changed:
    """Write the rules and empty the outbox of what they forbid, at once."""
    if hub is not None and hub not in hub_names(settings_module.load(machine.home, machine.environ)):
        check_name("a hub", hub)
    rules = _rules(machine, hub, agent, project)
    for rule in rules:
        settings_module.set_value(machine.home, f"share.{rule}", "off")
    settings, grants = current(machine)
    _settled(settings_module.flatten(settings), rules, "off")
    gone = withdraw(machine)
    receipts = [one for one in machine.outbox.receipts() if one.withdrawn is None]
    denied = {
        (name, row.id)
        for name in {one.hub for one in receipts}
        for row, subject in subjects(machine, machine.sessions.rows(), _view(name, grants))
        if not decide(settings.share, _view(name, grants), subject).allowed
    }
    sent = {one.session for one in receipts if (one.hub, one.session) in denied}
    notes = [f"Dropped from the outbox: {gone}."] if gone else []
    if sent:
        notes.append(
            f"Had left already, and stay there: {len(sent)}. To take one back: skillclaw sessions forget"
        )
    return Changed(rules=[f"share.{rule}" for rule in rules], withdrawn=gone, sent=len(sent), notes=notes)


def mark(machine: Machine, prefix: str, said: str) -> str:
    """Say `never` or `allow` of one session, or empty to take it back; its key."""
    from skillclaw.trajectory.model import meta

    key = meta(machine.sessions.get(prefix)).key
    machine.outbox.mark(key, said, clock())
    withdraw(machine)
    return key


def _counted(machine: Machine, rules: list[str], only: str | None) -> Changed:
    settings, grants = current(machine)
    all_rows = machine.sessions.rows()
    may = past = 0
    notes = []
    for name in hub_names(settings):
        if only not in (None, name) or settings.share.hubs.get(name) != "redacted":
            continue
        opened = bound(machine, open_hub(machine, settings, name), grants)
        known = subjects(machine, all_rows, opened.view)
        decisions = [decide(settings.share, opened.view, subject) for _, subject in known]
        here = sum(1 for one in decisions if one.allowed)
        before = sum(1 for one in decisions if one.rule == "past")
        may, past = may + here, past + before
        notes.append(f"{name}: may leave now: {here}; and later ones that fit these rules.")
        if before:
            notes.append(
                f"{name}: from before now, and stay: {before}. To share them too: "
                f"skillclaw share allow --hub {name} --past"
            )
    if not notes:
        notes.append("No hub is allowed yet, so nothing leaves: skillclaw share allow --hub NAME")
    elif not may and not past:
        if settings.share.default == "off" and not {*settings.share.agents.values()} & {"redacted"}:
            notes.append(
                "No agent or project is allowed yet: skillclaw share allow --agent NAME (or --project NAME), "
                "or all of them: skillclaw config set share.default redacted"
            )
        notes.append("See which rule keeps what here: skillclaw share status")
    return Changed(rules=[f"share.{rule}" for rule in rules], open=may, past=past, notes=notes)


def _view(name: str, grants: dict[str, Grant]) -> HubView:
    grant = grants.get(f"hubs.{name}")
    return HubView(name=name, group=grant.group if grant else "", grants=grants)


def _rules(machine: Machine, hub: str | None, agent: str | None, project: str | None) -> list[str]:
    rules = []
    given = (("hubs", "a hub", hub), ("agents", "an agent", agent), ("projects", "a project", project))
    for kind, what, name in given:
        if name is None:
            continue
        check_name(what, name)
        rules.append(f"{kind}.{_spelled(machine, kind, name)}")
    return rules


def _spelled(machine: Machine, kind: str, name: str) -> str:
    """A name as the settings have it already, whatever its case: one rule for one thing."""
    known = getattr(settings_module.load(machine.home, machine.environ).share, kind)
    return next((one for one in known if one.casefold() == name.casefold()), name)


def _settled(flat: dict[str, object], rules: list[str], value: str) -> None:
    """The settings now say so, unless the environment overrules the file: then nobody may think they do."""
    for rule in rules:
        if flat.get(f"share.{rule}") != value:
            raise UsageError(
                f"share.{rule} is written as {value}, but does not count.",
                "A variable SKILLCLAW_SHARE__... in the environment says otherwise, and wins.",
                "Unset it.",
            )
