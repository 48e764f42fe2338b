"""Extras of the installation that runs: whether one is there, and the command that a user types to add it."""

from __future__ import annotations

import json
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["EVOLVER", "has_evolver", "install"]

EVOLVER = frozenset({"numpy", "scipy", "sklearn"})
"""Packages of the extra `evolve`, which a client that only records and syncs does not need."""

_PIPX = "pipx_metadata.json"
_UV = "uv-receipt.toml"
"""What pipx and uv leave in the environment of a program that they installed."""


def has_evolver() -> bool:
    """Whether what learns is installed."""
    return all(find_spec(name) is not None for name in EVOLVER)


def install(*extras: str) -> str:
    """The command that adds these extras to where this program runs from: a checkout, a tool of pipx's or
    uv's, a virtual environment, whose own pip is seldom the one on the PATH; else any pip. It names the wheel
    or folder that was installed: what an index has under the name may be somebody else's."""
    wanted = f"[{','.join(extras)}]" if extras else ""
    python, place = shlex.quote(sys.executable), Path(sys.prefix)
    given, editable = _given()
    if editable:
        return f"{python} -m pip install -e {shlex.quote(given + wanted)}"
    if not given:
        named = f"'skillclaw{wanted}'"
    else:
        named = shlex.quote(f"skillclaw{wanted} @ {given}" if "://" in given else given + wanted)
    if (place / _PIPX).is_file():
        return f"pipx runpip {shlex.quote(place.name)} install {named}"
    if (place / _UV).is_file():
        had = None if given else _of_uv(place / _UV)
        if had is None:
            return f"uv pip install --python {python} {named}"
        names = [*had, *(name for name in extras if name not in had)]
        return f"uv tool install 'skillclaw[{','.join(names)}]'"
    if sys.prefix != sys.base_prefix:
        return f"{python} -m pip install {named}"
    return f"pip install {named}"


def _given() -> tuple[str, bool]:
    """What was installed, where that was no name: a wheel's or a folder's path, or a URL; and whether in
    place. A checkout that runs without having been installed is to be installed in place."""
    # Slow, and only needed here.
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import unquote, urlsplit

    try:
        known = json.loads(distribution("skillclaw").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        checkout = Path(__file__).parents[2]
        return (str(checkout), True) if (checkout / "pyproject.toml").is_file() else ("", False)
    except (ValueError, OSError):
        return "", False
    url = known.get("url") if isinstance(known, dict) else None
    if not isinstance(url, str):
        return "", False
    git = known.get("vcs_info")
    if isinstance(git, dict):
        return f"{git.get('vcs', 'git')}+{url}@{git.get('commit_id', '')}".rstrip("@"), False
    editable = bool((known.get("dir_info") or {}).get("editable"))
    return (unquote(urlsplit(url).path) if url.startswith("file:") else url), editable


def _of_uv(receipt: Path) -> list[str] | None:
    """The extras that uv was asked for: a tool keeps through upgrades what it was last asked for, so that all
    are named again. None where it was given a file or folder, which it would not find by the name alone."""
    import tomllib

    try:
        found = tomllib.loads(receipt.read_text("utf-8"))["tool"]["requirements"]
        (ours,) = [one for one in found if one["name"] == "skillclaw"]
        if not set(ours) <= {"name", "extras", "specifier"}:
            return None
        return [str(name) for name in ours.get("extras", [])]
    except (OSError, ValueError, KeyError, TypeError):
        return None
