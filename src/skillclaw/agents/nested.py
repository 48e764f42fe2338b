"""The environment within a `skillclaw run`: its URLs of SkillClaw stand for the upstreams that they lead to.

A key that is set there belongs to that upstream. An adapter takes a URL of SkillClaw's for none of the
user's, and would say the provider's usual address, which must not get that key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from skillclaw import apart
from skillclaw.agents.records import Adapter, Env
from skillclaw.agents.urls import is_own, prefix_of
from skillclaw.errors import BadInputError

__all__ = ["outside", "refuse_lost"]

_URL = re.compile(r"https?://[^\s\"'`\\<>]+")
"""A variable may hold settings as JSON, too, with a URL in them."""
_STEPS = 8
"""How often a URL of SkillClaw's may lead to another one: a run of one agent within a run of another."""


def outside(home: Path, env: Env, known: Mapping[str, str] | None = None) -> Env:
    """The same surroundings, with the upstream in place of each URL of SkillClaw's that leads to one: those
    that `skillclaw run` made, and with `known` those of agents in it, which tells where each agent goes."""

    def led(found: re.Match[str]) -> str:
        url = found[0]
        for _ in range(_STEPS):
            if not (on := _next(home, url, known or {})):
                break
            url = on
        return url

    environ = {name: _URL.sub(led, value) if "://" in value else value for name, value in env.environ.items()}
    return env if environ == env.environ else msgspec.structs.replace(env, environ=environ)


def refuse_lost(env: Env, adapter: Adapter) -> None:
    """BadInputError where a URL of SkillClaw's that `skillclaw run` made for this agent leads nowhere: the
    provider's usual address would get a key that belongs elsewhere. For what `outside` gives."""
    for variable, value in sorted(env.environ.items()):
        for url in _URL.findall(value) if "://" in value else ():
            if is_own(url, adapter.name) and "." in prefix_of(url):
                raise BadInputError(
                    f"Nobody knows where {adapter.title}'s requests go.",
                    f"{variable} is of a `skillclaw run` whose upstream is not known here.",
                    f"Say it: skillclaw config set agents.{adapter.name}.upstream https://...; or unset "
                    f"{variable}.",
                )


def _next(home: Path, url: str, known: Mapping[str, str]) -> str:
    """Where a URL of SkillClaw's leads; empty for any other, and where that is not known."""
    prefix = prefix_of(url)
    made = apart.find(home, prefix) if "." in prefix else None
    on = made.url if made else known.get(prefix, "")
    if not on:
        return ""
    behind = url.partition("://")[2].partition("/")[2].lstrip("/").removeprefix(prefix).rstrip("/")
    place, mark, asked = on.partition("?")
    return f"{place.rstrip('/')}{behind}{mark}{asked}" if behind else on
