"""What can be done about groups, as the commands `skillclaw hub ...` do it; the hub asks for the role.

What does it is loaded when it is first asked for: the page has to be there at once.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from skillclaw.errors import UsageError
from skillclaw.server.machine import Machine
from skillclaw.web.site.ask import Ask, act, page

__all__ = ["ROUTES", "Made", "take"]

WAITING = 20
"""Strings that wait to be shown."""
ROLES = ("member", "reviewer", "evolver", "importer")
ASKED = ("reviewer", "evolver", "owner", "member", "importer")


@dataclass(frozen=True)
class Made:
    """A string for somebody else. `secret`: whoever has it can use it."""

    kind: str
    text: str
    role: str
    name: str
    until: str = ""
    uses: int = 1
    public: str = ""
    left_out: tuple[str, ...] = ()


_MADE: OrderedDict[tuple[str, str], Made] = OrderedDict()


def take(ask: Ask) -> Made | None:
    """What this browser made under this id; it is given once."""
    return _MADE.pop((ask.browser.id, ask.path["id"]), None)


def _show(ask: Ask, made: Made) -> Response:
    id_ = secrets.token_hex(8)
    _MADE[ask.browser.id, id_] = made
    while len(_MADE) > WAITING:
        _MADE.popitem(last=False)
    return ask.go("group-made", hub=ask.path["hub"], id=id_)


def _machine(ask: Ask) -> Machine:
    # one of its own: storage may be far away, and pages wait for the house's
    return Machine(ask.house.home, ask.house.environ)


def _text(ask: Ask, name: str, most: int = 200) -> str:
    return ask.form.get(name, "").strip()[:most]


def _whole(ask: Ask, name: str, default: int, least: int, most: int) -> int:
    given = _text(ask, name) or str(default)
    if not (given.isascii() and given.isdigit() and len(given) < 8 and least <= int(given) <= most):
        raise UsageError(ask.t("That is no number from {least} to {most}.", least=least, most=most))
    return int(given)


def _one_of(ask: Ask, name: str, known: tuple[str, ...]) -> str:
    given = _text(ask, name)
    if given not in known:
        raise UsageError(ask.t("There is no such choice."), f"{given[:70]!r}", ", ".join(known))
    return given


def do_invite(ask: Ask) -> Response:
    """Make an invite, which is shown once."""
    from skillclaw.server.groups.joining import invite

    done = invite(
        _machine(ask),
        ask.path["hub"],
        role=_one_of(ask, "role", ROLES),
        days=_whole(ask, "days", 7, 1, 365),
        who=_text(ask, "name", 100),
        uses=_whole(ask, "uses", 1, 1, 1000),
    )
    made = Made(
        kind="invite",
        text=done.invite,
        role=done.role,
        name=done.name,
        until=done.expires,
        uses=done.uses,
        public=done.public,
        left_out=tuple(done.left_out),
    )
    return _show(ask, made)


def do_uninvite(ask: Ask) -> Response:
    """Withdraw an invite."""
    from skillclaw.server.groups.joining import uninvite

    public = uninvite(_machine(ask), ask.path["hub"], _text(ask, "public", 64))
    return ask.back(ask.t("The invite {key} is withdrawn: nobody joins with it any more.", key=public[:12]))


def do_request(ask: Ask) -> Response:
    """Make a key here and a request that the owner can admit."""
    from skillclaw.server.groups.keys import request

    done = request(_machine(ask), ask.path["hub"], _one_of(ask, "role", ASKED), _text(ask, "name", 100))
    return _show(
        ask, Made(kind="request", text=done.request, role=done.role, name=done.name, public=done.key)
    )


def look_at_request(ask: Ask) -> Response:
    """Whose key a request asks to admit, before it is admitted."""
    from skillclaw.hub.invites import read_request

    text = ask.query.get("request", "").strip()
    return ask.render(
        "group/admit.html", page="group", hub=ask.path["hub"], told=read_request(text), request=text
    )


def do_admit(ask: Ask) -> Response:
    """Admit the key of a request."""
    from skillclaw.server.groups.keys import admit

    done = admit(_machine(ask), _text(ask, "request", 10_000))
    told = ask.t(
        "{name} is admitted as {role} (key {key}).", name=done.name, role=ask.t(done.role), key=done.key[:12]
    )
    return ask.go("group-hub", told, hub=ask.path["hub"])


def do_revoke(ask: Ask) -> Response:
    """End a member for good."""
    from skillclaw.server.groups.keys import revoke

    if not ask.form.get("sure"):
        raise UsageError(
            ask.t("Nothing was revoked."), ask.t("Tick that you are sure: it cannot be undone."), ""
        )
    done = revoke(_machine(ask), ask.path["hub"], _text(ask, "key", 64))
    name = done[0].name or done[0].role if done else ""
    return ask.back(ask.t("{name} is revoked: nothing that it signs counts any more.", name=name))


def do_set(ask: Ask) -> Response:
    """Change a setting of the group, or take it out."""
    from skillclaw.server.groups.membership import find
    from skillclaw.server.groups.settings import change, value_of

    key = _text(ask, "key", 40)
    given = ask.form.get("value", "").strip()
    hub: Any = find(_machine(ask), ask.path["hub"]).hub
    if key == "push":
        raise UsageError(ask.t("This is made by a command: {command}", command="skillclaw hub push"))
    change(hub, key, None if ask.form.get("unset") or not given else value_of(given))
    return ask.back(ask.t("The group's {key} is changed.", key=key))


def do_leave(ask: Ask) -> Response:
    """Leave the group with all keys of this machine."""
    from skillclaw.server.groups.joining import leave

    if not ask.form.get("sure"):
        raise UsageError(ask.t("You did not leave."), ask.t("Tick that you are sure."), "")
    done = leave(_machine(ask), ask.path["hub"])
    waits = any(state != "left" for state in done.roles.values())
    told = (
        ask.t("The message that you leave waits until a machine that may write the log takes it in.")
        if waits
        else ask.t("You left the group.")
    )
    return ask.go("group", told)


def do_join(ask: Ask) -> Response:
    """Join a group by an invite."""
    from skillclaw.server.groups.joining import join

    done = join(
        _machine(ask),
        _text(ask, "invite", 10_000),
        name=_text(ask, "name", 64) or None,
        who=_text(ask, "who", 100) or None,
    )
    evolvers = ", ".join(done.evolvers) or ask.t("nobody yet")
    model = done.model or ask.t("none that its owner names")
    told = (
        ask.t("You belong to the group as {role}.", role=ask.t(done.role))
        if done.state == "member"
        else ask.t(
            "You asked to join as {role}: you belong to it once a machine that may write the log takes that "
            "in.",
            role=ask.t(done.role),
        )
    )
    reads = ask.t(
        "Who alone can read what members share: {who}; model provider: {model}. Nothing of yours is shared "
        "until you allow it.",
        who=evolvers,
        model=model,
    )
    return ask.go("group-hub", Markup(" ").join([told, reads]), hub=done.hub)


def do_found(ask: Ask) -> Response:
    """Make a group at a storage address."""
    from skillclaw.server.groups.founding import found as make_group

    where = _text(ask, "url", 1000)
    if not where:
        raise UsageError(ask.t("Say where the group's storage is."))
    done = make_group(
        _machine(ask),
        where,
        name=_text(ask, "name", 64) or None,
        policy=_one_of(ask, "policy", ("team", "strict")),
        evolver=bool(ask.form.get("evolver")),
        who=_text(ask, "who", 100) or "owner",
        model=_text(ask, "model", 200),
    )
    told = ask.t(
        "The group is made; here it is hub {hub}. Keep a backup of SkillClaw's folder keys: the owner's key "
        "cannot be remade.",
        hub=done.hub,
    )
    return ask.go("group-hub", told, hub=done.hub)


ROUTES = [
    act("/group/join", "join", do_join),
    act("/group/found", "found", do_found),
    page("/group/{hub}/admit", "admit-look", look_at_request),
    act("/group/{hub}/admit", "admit", do_admit),
    act("/group/{hub}/invite", "invite", do_invite),
    act("/group/{hub}/uninvite", "uninvite", do_uninvite),
    act("/group/{hub}/request", "request-key", do_request),
    act("/group/{hub}/revoke", "revoke-key", do_revoke),
    act("/group/{hub}/set", "set-group", do_set),
    act("/group/{hub}/leave", "leave-group", do_leave),
]
