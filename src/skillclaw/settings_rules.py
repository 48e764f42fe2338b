"""What makes a tree of settings: the types of the tree, and what holds between its values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.settings_choices import command, place_of, takes, wanted
from skillclaw.settings_serve import TOKEN_PLACE, no_token
from skillclaw.settings_tree import Settings
from skillclaw.settings_upstreams import UpstreamSettings

__all__ = ["checked", "is_key_place", "no_key"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_KEY_PLACE = re.compile(r"(?:env:[A-Za-z_][A-Za-z0-9_]{0,99}|keyring:[A-Za-z0-9_.@-]{1,100})?")


def checked(tree: dict[str, Any], where: Callable[..., str]) -> Settings:
    """The tree as settings; `where` names the source of what is at a path, or is no setting."""
    try:
        settings = msgspec.convert(tree, Settings)
    except msgspec.ValidationError as error:
        parts, source = place_of(str(error)), where()
        todo = "Mend it there."
        if source.endswith("config.toml") and takes(Settings, parts):  # a variable would win over the file
            todo = f"Mend it there, or: {command(Settings, parts)}"
        raise BadInputError(f"A setting in {source} is wrong.", wanted(Settings, str(error)), todo) from error
    _check_upstreams(settings, where)
    if not is_key_place(settings.evolve.model.key):
        raise no_key("evolve.model.key", BadInputError)
    if not TOKEN_PLACE.fullmatch(settings.serve.token):
        raise no_token(BadInputError)
    if settings.redact.rules:
        from skillclaw.custom_rules import compile_rules

        compile_rules(settings.redact.rules)
    for name in settings.hubs:
        if not _NAME.fullmatch(name) or name == "personal":
            why = (
                f"{name!r} is no name for a group's hub: small letters, digits, - and _, and not 'personal'."
            )
            raise _wrong(where("hubs", name), why, "Give the hub another name.")
    return settings


def _check_upstreams(settings: Settings, where: Callable[..., str]) -> None:
    """What holds between settings: names that lead somewhere, and keys that are none. BadInputError."""
    known = settings.upstreams
    for name, upstream in known.items():
        if not _NAME.fullmatch(name):
            why = f"{name!r} is not a name: small letters, digits, - and _."
            raise _wrong(where("upstreams", name), why, "Give the upstream another name.")
        if not is_key_place(upstream.key):
            raise no_key(f"upstreams.{name}.key", BadInputError)
        for other in upstream.fallback:
            if other not in known or other == name:
                why = f"upstreams.{name}.fallback names {other!r}, which is no other upstream."
                raise _wrong(where("upstreams", name, "fallback"), why, _defined(known))
    for name, agent in settings.agents.items():
        given = agent.upstream or ""
        if given and "://" not in given and given not in known:
            why = f"agents.{name}.upstream is {given!r}: neither a URL nor the name of an upstream."
            raise _wrong(where("agents", name, "upstream"), why, _defined(known))


def is_key_place(said: str) -> bool:
    """Whether it says where a key is; nothing is said by an empty one."""
    return _KEY_PLACE.fullmatch(said) is not None


def no_key(key: str, kind: type[SkillClawError]) -> SkillClawError:
    """The error for a key where its place belongs; it never repeats what was given."""
    name = "evolve.model" if key.startswith("evolve.") else key.split(".")[1]
    return kind(
        f"{key} says where the key is, never the key itself.",
        "It is env:NAME (a variable of the environment that `skillclaw up` starts in) or keyring:NAME.",
        f"Store the key in the keyring: skillclaw config key {name}; or: skillclaw config set {key} env:NAME",
    )


def _wrong(where: str, why: str, todo: str) -> BadInputError:
    return BadInputError(f"A setting in {where} is wrong.", why, todo)


def _defined(known: Mapping[str, UpstreamSettings]) -> str:
    names = ", ".join(sorted(known)) or "none"
    return (
        f"Upstreams that are set: {names}. Set one first: skillclaw config set upstreams.NAME.url https://..."
    )
