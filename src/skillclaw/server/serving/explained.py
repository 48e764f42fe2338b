"""What settings would be used, and which source says each (`config check`). No secret is in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skillclaw import settings as settings_module
from skillclaw.errors import SkillClawError
from skillclaw.hub.store_url import safely
from skillclaw.server.serving.startup import problems
from skillclaw.server.serving.tokens import find_token, own_token_file
from skillclaw.settings_layers import layers, origin
from skillclaw.settings_needs import replay_short
from skillclaw.trajectory.model import Record

__all__ = ["Checked", "Line", "Problem", "check"]

DEFAULT = "default"


class Line(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One setting: its dotted key, its value with secrets masked, and who says so."""

    key: str
    value: Any
    source: str


class Problem(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One reason why the server would not start."""

    what: str
    why: str
    todo: str


class Checked(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`config check --json`. `sources`: files and variables that say something, the strongest last; `token`
    where the API's token is, or would be made; `listen` the server's address; `notes` what would start and
    yet not do what it is set for."""

    ok: bool
    sources: list[str]
    listen: str
    token: str
    settings: list[Line]
    problems: list[Problem]
    notes: list[str] = []


def check(home: Path, environ: Mapping[str, str]) -> Checked:
    """The settings of `home` as a server started now would use them; nothing is made or changed.

    Raises the error of the settings themselves where they cannot be read (see `settings.load`).
    """
    found = layers(home, environ)
    settings = settings_module.of_layers(found)
    wrong = list(problems(settings, home, environ))
    serve = settings.serve
    host = f"[{serve.host}]" if ":" in serve.host else serve.host
    lines = [
        Line(key=key, value=_shown(key, value), source=_source(key, found))
        for key, value in sorted(settings_module.flatten(settings).items())
    ]
    short = replay_short(settings.gate.replay, settings.evolve.budget)
    return Checked(
        ok=not wrong,
        sources=[layer.name for layer in found if layer.tree],
        listen=f"{'https' if serve.tls_cert else 'http'}://{host}:{serve.port}",
        token=_token(serve.token, home, environ),
        settings=lines,
        problems=[Problem(what=one.what, why=one.why, todo=one.todo) for one in wrong],
        notes=[
            *([short] if short else []),
            *(
                f"{found[0].name}: there is no setting {key}; it is passed over."
                for key in settings_module.unknown_in(found)
            ),
        ],
    )


def _source(key: str, found: list[Any]) -> str:
    return origin(found, tuple(settings_module.parts_of(key))) or DEFAULT


def _shown(key: str, value: Any) -> Any:
    """The value as anybody may see it: URLs without credentials, of words to mask only how many."""
    if key.startswith("redact.") and value:
        return f"({len(value) if not isinstance(value, str) else 1} not shown)"
    return safely(value)


def _token(place: str, home: Path, environ: Mapping[str, str]) -> str:
    try:
        known = find_token(place, home, environ, make=False)
    except SkillClawError:
        return f"{place}: cannot be used"
    where = place or str(own_token_file(home))
    return f"{where}: {len(known)} characters" if known else f"{where}: will be made"
