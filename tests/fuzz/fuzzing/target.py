"""A target: one door that takes bytes from outside, as a module in `targets/` with its seeds in `corpora/`.

The module has `once(data)`, and may have `ALLOWED`, `MOST_MB`, `MOST_SECONDS`, `MOST_BYTES`, `DICT` and
`INSTRUMENT`.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

__all__ = [
    "CORPORA",
    "FUZZ",
    "INSTRUMENT",
    "MOST_SECONDS",
    "ROOT",
    "TARGETS",
    "Target",
    "load",
    "names",
    "said",
    "seeds",
]

FUZZ = Path(__file__).resolve().parent.parent
ROOT = FUZZ.parent.parent
TARGETS = FUZZ / "targets"
CORPORA = FUZZ / "corpora"
MOST_MB = 512
MOST_SECONDS = 5.0
MOST_BYTES = 1 << 16
INSTRUMENT = ("skillclaw",)


class Target(NamedTuple):
    """What is run on each input, and what it may use."""

    name: str
    once: Callable[[bytes], None]
    allowed: tuple[type[BaseException], ...]
    """Errors that the door documents; any other is a finding."""
    most_mb: int
    """Address space that the whole run may take beyond what the process has when it begins."""
    most_seconds: float
    """CPU seconds for one input."""
    most_bytes: int
    """Length of the longest input that is made."""
    words: tuple[bytes, ...]
    """Pieces of the format, for the mutations."""
    instrument: tuple[str, ...]
    """Packages whose branches guide the search."""


def names(folder: Path = TARGETS) -> list[str]:
    """The targets' names, sorted."""
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def said(path: Path, name: str, otherwise: Any) -> Any:
    """The constant `name` of the target at `path`, without importing it."""
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    return otherwise


def load(path: Path) -> Target:
    """Imports the module at `path`. Coverage needs the import of what it tests to happen in here."""
    for place in (FUZZ, FUZZ.parent / "support"):
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    name = f"fuzz_target_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no module at {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return Target(
        name=path.stem,
        once=module.once,
        allowed=tuple(getattr(module, "ALLOWED", ())),
        most_mb=getattr(module, "MOST_MB", MOST_MB),
        most_seconds=getattr(module, "MOST_SECONDS", MOST_SECONDS),
        most_bytes=getattr(module, "MOST_BYTES", MOST_BYTES),
        words=tuple(getattr(module, "DICT", ())),
        instrument=tuple(getattr(module, "INSTRUMENT", INSTRUMENT)),
    )


def seeds(folder: Path) -> list[bytes]:
    """The kept inputs of a corpus, in the order of their names."""
    return [path.read_bytes() for path in sorted(folder.glob("*")) if path.is_file()]
