"""The page `settings`: agents, sharing, policy, budget, and every other setting."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.responses import Response

from skillclaw import settings as settings_module
from skillclaw.errors import SkillClawError, UsageError
from skillclaw.server.machine import Machine
from skillclaw.web.reading.fields import GROUPS, shown, values
from skillclaw.web.site.ask import Ask, act, page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillclaw.agents import Finding

__all__ = ["ROUTES"]

LONGEST = 4000
"""Characters of a value that can be set here."""


def show(ask: Ask) -> Response:
    """The page; agents and sharing come a moment later, since programs and hubs are asked for them."""
    with ask.house.open() as machine:
        known = machine.hubs.settings()
    flat = settings_module.flatten(known)
    return ask.render(
        "settings/index.html",
        page="settings",
        groups=GROUPS,
        values=values(known),
        flat={key: shown(value) for key, value in sorted(flat.items())},
        hubs=[name for name, hub in known.hubs.items() if hub.url],
        file=str(ask.house.home / "config.toml"),
        chosen=ask.query.get("show", ""),
    )


def _machine(ask: Ask) -> Machine:
    # one of its own: programs are asked for their versions, and pages wait for the house's
    return Machine(ask.house.home, ask.house.environ)


def show_agents(ask: Ask) -> Response:
    """Each agent as it stands here."""
    from skillclaw.server.setup.survey import agents_here

    found = agents_here(_machine(ask), versions=True)
    here = [one for one in found if one.installed or one.sessions or one.connected or one.followed]
    return ask.render(
        "settings/agents.html",
        page="settings",
        agents=here,
        others=[one.title for one in found if one not in here],
    )


def show_plan(ask: Ask) -> Response:
    """What connecting an agent would change, as a diff without credentials."""
    from skillclaw.server.setup.connections import connect_agent, port_of

    name = _agent(ask.path["agent"])
    machine = _machine(ask)
    plan = connect_agent(machine, name, port_of(machine), dry_run=True)
    return ask.render("settings/plan.html", page="settings", plan=plan, title=_title(name))


def show_doctor(ask: Ask) -> Response:
    """What is right and what is wrong, with the mend."""
    from skillclaw.server.setup.connections import examine

    given = ask.query.get("agent", "")
    findings = examine(_machine(ask), [_agent(given)] if given else None)
    order = {"fail": 0, "warn": 1, "ok": 2}
    return ask.render(
        "settings/doctor.html",
        page="settings",
        findings=sorted(findings, key=lambda one: order[one.level]),
        worst=_worst(findings),
    )


def show_sharing(ask: Ask) -> Response:
    """What may leave this machine, for each group, agent and project."""
    from skillclaw.server.sharing.status import status

    with ask.house.open() as machine:
        found = status(machine)
        rules = machine.hubs.settings().share
    return ask.render("settings/sharing.html", page="settings", found=found, share=rules)


def connect(ask: Ask) -> Response:
    """Connect an agent through the proxy, or follow its history."""
    from skillclaw.server.setup.joining import follow, join

    name = _agent(ask.path["agent"])
    title = _title(name)
    with ask.house.open() as machine:
        if ask.form.get("how") == "history":
            follow(machine, [name])
            return ask.back(ask.t("{agent} is followed by its history.", agent=title))
        notes = [note for wired in join(machine, [name]) for note in wired.notes]
    told = ask.t("{agent} is connected.", agent=title)
    return ask.back(Markup(" ").join([told, *notes]))


def disconnect(ask: Ask) -> Response:
    """Put an agent's settings back."""
    from skillclaw.server.setup.joining import part

    name = _agent(ask.path["agent"])
    with ask.house.open() as machine:
        part(machine, [name])
    return ask.back(ask.t("{agent} is disconnected; its settings are put back.", agent=_title(name)))


def share(ask: Ask) -> Response:
    """Allow or deny what a rule of sharing names."""
    from skillclaw.server.sharing import consent as share_consent

    kind, name, said = (ask.form.get(part, "") for part in ("kind", "name", "say"))
    if kind not in ("hub", "agent", "project") or not name or said not in ("allow", "deny"):
        raise UsageError(ask.t("Say what is shared: a hub, an agent or a project."))
    hub, agent, project = (name if kind == which else None for which in ("hub", "agent", "project"))
    with ask.house.open() as machine:
        if said == "deny":
            done = share_consent.deny(machine, hub=hub, agent=agent, project=project)
        else:
            past = ask.form.get("past") == "1" and kind == "hub"
            done = share_consent.allow(machine, hub=hub, agent=agent, project=project, past=past)
    return ask.back(" ".join([*(f"{rule}." for rule in done.rules), *done.notes]))


def change(ask: Ask) -> Response:
    """Set one setting, or the fields of a group; what is as it was stays unwritten."""
    home = ask.house.home
    before = {
        k: shown(v) for k, v in settings_module.flatten(settings_module.load(home, ask.house.environ)).items()
    }
    given = {key: value for key, value in ask.form.items() if "." in key or key == "user"}
    if named := ask.form.get("key", "").strip():
        given[named] = ask.form.get("value", "")
    done = []
    for key, value in given.items():
        if len(value) > LONGEST:
            raise UsageError(ask.t("The value of {key} is too long.", key=key))
        if key.startswith("share."):
            raise UsageError(ask.t("Sharing is decided in its own part of this page."))
        if before.get(key) == value.strip():
            continue
        if "?..." in value and "?..." in before.get(key, ""):
            raise UsageError(
                ask.t("The value of {key} holds credentials, which this page does not show.", key=key),
                "",
                ask.t("Give the whole address anew."),
            )
        settings_module.set_value(home, key, value.strip())
        done.append(key)
    now = settings_module.flatten(settings_module.load(home, ask.house.environ))
    overruled = [key for key in done if key in now and _overruled(ask, key)]
    if overruled:
        raise SkillClawError(
            ask.t("{keys}: written, but does not count.", keys=", ".join(overruled)),
            ask.t("A variable of the environment says otherwise, and wins."),
        )
    if not done:
        return ask.back(ask.t("Nothing was changed."))
    return ask.back(ask.t("Set: {keys}.", keys=", ".join(done)))


def _overruled(ask: Ask, key: str) -> bool:
    name = "SKILLCLAW_" + "__".join(part.upper() for part in key.split("."))
    return name in (ask.house.environ or os.environ)


def _title(agent: str) -> str:
    from skillclaw.agents import adapters

    return adapters()[agent].title


def _agent(name: str) -> str:
    from skillclaw.agents import adapters, no_agent

    if name not in adapters():
        raise no_agent(name)
    return name


def _worst(findings: Iterable[Finding]) -> str:
    levels = {one.level for one in findings}
    return next((level for level in ("fail", "warn") if level in levels), "ok")


ROUTES = [
    page("/settings", "settings", show),
    page("/settings/agents", "settings-agents", show_agents),
    page("/settings/agents/{agent}", "agent-plan", show_plan),
    page("/settings/sharing", "settings-sharing", show_sharing),
    page("/settings/doctor", "doctor", show_doctor),
    act("/settings/agents/{agent}/connect", "connect", connect),
    act("/settings/agents/{agent}/disconnect", "disconnect", disconnect),
    act("/settings/share", "share", share),
    act("/settings/change", "change", change),
]
