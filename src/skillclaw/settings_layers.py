"""Where settings come from, each layer over the one before: the home's file, a file that the caller names,
the environment. What is said where is kept, so that an error, and `config check`, can name the place.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from skillclaw.errors import UNREADABLE, BadInputError, StorageError, UsageError
from skillclaw.home import CONFIG

__all__ = ["ENV_PREFIX", "NOT_SETTINGS", "Layer", "layers", "origin", "put", "read_file", "scalar", "united"]

ENV_PREFIX = "SKILLCLAW_"
NOT_SETTINGS = frozenset(
    {"SKILLCLAW_HOME", "SKILLCLAW_DEBUG", "SKILLCLAW_DOCKER", "SKILLCLAW_PROGRESS", CONFIG}
)
_SECRET = re.compile(r"(?i)key|secret|token|password|credential|sig(?:nature)?$")


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """One source of settings: what a message calls it, and the (partial) tree that it holds."""

    name: str
    tree: dict[str, Any]


def layers(home: Path, environ: Mapping[str, str]) -> list[Layer]:
    """The sources that say something, the weakest first.

    Raises BadInputError, StorageError or UsageError for what cannot be read or is no setting's name. A file
    that is named has to be there; the home's own need not.
    """
    found = [Layer(name=str(home / "config.toml"), tree=read_file(home / "config.toml"))]
    if CONFIG in environ:
        path = Path(environ[CONFIG]).expanduser()
        found.append(Layer(name=str(path), tree=_named_file(path)))
    for name in sorted(environ):
        if name.startswith(ENV_PREFIX) and name not in NOT_SETTINGS:
            tree: dict[str, Any] = {}
            path_ = [part.lower() for part in name.removeprefix(ENV_PREFIX).split("__")]
            put(tree, path_, scalar(environ[name]), name)
            found.append(Layer(name=f"the environment ({name})", tree=tree))
    return found


def united(found: list[Layer]) -> dict[str, Any]:
    """One tree of all: tables are joined key by key, of anything else the strongest counts."""
    tree: dict[str, Any] = {}
    for layer in found:
        tree = _joined(tree, layer.tree)
    return tree


def origin(found: list[Layer], parts: tuple[str, ...]) -> str:
    """The name of the strongest layer that says something at `parts`, or in it; empty where none does."""
    for layer in reversed(found):
        node: Any = layer.tree
        for part in parts:
            node = node.get(part, _MISSING) if isinstance(node, dict) else _MISSING
        if node is not _MISSING:
            return layer.name
    return ""


def read_file(path: Path) -> dict[str, Any]:
    """The tree in a file; empty where it is not there. Raises StorageError or BadInputError."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Check who owns the file.") from error
    except UNREADABLE as error:
        raise BadInputError(
            f"{path} is not valid TOML.", str(error), "Mend the file, or delete it."
        ) from error


def put(tree: Any, path: list[str], value: Any, name: str, new: Any = dict) -> None:
    """Set `value` at `path`; tables on the way are made by `new`. UsageError for what is no table there."""
    for part in path[:-1]:
        if part not in tree:
            tree[part] = new()
        tree = tree[part]
        if not isinstance(tree, dict):
            raise UsageError(f"There is no setting {name!r}.", "", "See them all: skillclaw config show")
    tree[path[-1]] = value


def scalar(value: str) -> Any:
    """What `value` says as TOML; itself where that is nothing."""
    try:
        return tomllib.loads(f"v = {value}")["v"]
    except UNREADABLE:
        return value


_MISSING = object()


def _joined(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    tree = dict(under)
    for name, value in over.items():
        below = tree.get(name)
        tree[name] = _joined(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return tree


def _named_file(path: Path) -> dict[str, Any]:
    todo = f"Name another with --config or {CONFIG}, or none."
    if not path.is_absolute() or not path.is_file():
        why = "There is no such file." if path.is_absolute() else "Its path is not absolute."
        raise StorageError(f"Cannot read the settings in {path}.", why, todo)
    tree = read_file(path)
    if path.stat().st_mode & stat.S_IROTH:
        for parts, value in _leaves(tree, ()):
            if isinstance(value, str) and _holds_secret(value):
                raise BadInputError(
                    f"{path} can be read by everybody, and {'.'.join(parts)} in it holds a secret.",
                    "A URL there carries a credential.",
                    f"Take that out, or: chmod 600 {path}",
                )
    return tree


def _holds_secret(url: str) -> bool:
    """Whether a URL carries a credential: a password before its host, or an option whose name says so."""
    try:
        parts = urlsplit(url)
        return bool(parts.scheme) and (
            parts.password is not None
            or any(_SECRET.search(name) and value for name, value in parse_qsl(parts.query))
        )
    except ValueError:
        return False


def _leaves(node: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value with its path; an empty table is a value."""
    for name, child in node.items():
        if isinstance(child, dict) and child:
            yield from _leaves(child, (*above, name))
        else:
            yield (*above, name), child
