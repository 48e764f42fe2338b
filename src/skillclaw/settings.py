"""The settings of a home: the one typed tree (`settings_tree`), read and checked. The door to all of it.

Read from `config.toml` in SkillClaw's home; a file that SKILLCLAW_CONFIG names lies over that, and
`SKILLCLAW_<SECTION>__<KEY>` in the environment over both (`settings_layers`).
msgspec and tomlkit rather than pydantic-settings: every command and the proxy read settings, and pydantic
alone costs more than half of the 200 ms that `--help` may take (docs/design-changes.md).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.home import default_home, user_home
from skillclaw.settings_evolve import (
    AuthorSettings,
    BudgetSettings,
    CliSettings,
    EvolveSettings,
    ModelSettings,
)
from skillclaw.settings_gate import GateSettings, ReplaySettings
from skillclaw.settings_keys import flatten, get_value, parts_of
from skillclaw.settings_layers import Layer, layers, origin, united
from skillclaw.settings_rules import checked
from skillclaw.settings_serve import ServeSettings
from skillclaw.settings_tree import ProxySettings, RedactSettings, Settings, ShareSettings, SyncSettings
from skillclaw.settings_unknown import known_part, tell
from skillclaw.settings_upstreams import AgentSettings, UpstreamSettings
from skillclaw.settings_web import DashboardSettings
from skillclaw.settings_write import set_value

__all__ = [
    "AgentSettings",
    "AuthorSettings",
    "BudgetSettings",
    "CliSettings",
    "DashboardSettings",
    "EvolveSettings",
    "GateSettings",
    "ModelSettings",
    "ProxySettings",
    "RedactSettings",
    "ReplaySettings",
    "ServeSettings",
    "Settings",
    "ShareSettings",
    "SyncSettings",
    "UpstreamSettings",
    "default_home",
    "flatten",
    "get_value",
    "load",
    "of_layers",
    "parts_of",
    "set_value",
    "stop_at_unknown",
    "unknown_in",
    "user_home",
]


def load(home: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of `home`; raises BadInputError with the file and the place that is wrong."""
    return of_layers(layers(home, os.environ if environ is None else environ))


def of_layers(found: list[Layer]) -> Settings:
    """The settings that these sources say together; raises BadInputError with the source and the place.

    Only the first, the home's own file, may hold keys that this version does not know, since a later one may
    have written it; what somebody names or sets now is held to be meant for this one.
    """
    strange = known_part(Settings, found[0].tree)[1]
    for path in strange:
        tell(".".join(path), found[0].name)
    found = _understood(found)

    def where(*parts: str) -> str:
        return (origin(found, parts) if parts else _first_wrong(found)) or found[0].name

    return checked(united(found), where)


def _understood(found: list[Layer]) -> list[Layer]:
    return [msgspec.structs.replace(found[0], tree=known_part(Settings, found[0].tree)[0]), *found[1:]]


def unknown_in(found: list[Layer]) -> list[str]:
    """Dotted keys in the home's own file, the first, that this version does not know, and passes over."""
    return [".".join(path) for path in known_part(Settings, found[0].tree)[1]]


def stop_at_unknown(home: Path, environ: Mapping[str, str] | None, sections: Collection[str]) -> None:
    """BadInputError where a key below one of `sections` is not known: what it was to forbid is not known
    either, so nothing is sent or released that it might have kept back."""
    for key in unknown_in(layers(home, os.environ if environ is None else environ)):
        if key.split(".")[0] in sections:
            raise BadInputError(
                f"There is no setting {key} in this version, so this is not done.",
                "It may forbid what this version does not know of.",
                "Upgrade SkillClaw, or take the key out. See: skillclaw config check",
            )


def _first_wrong(found: list[Layer]) -> str:
    """The name of the first layer with which the tree is no tree of settings any more."""
    for count in range(1, len(found) + 1):
        try:
            msgspec.convert(united(found[:count]), Settings)
        except msgspec.ValidationError:
            return found[count - 1].name
    return ""
