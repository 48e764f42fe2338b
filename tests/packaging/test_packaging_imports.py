"""Each room imports only what its extra brings, and nothing is asked for that nobody imports (AST)."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import lockfiles
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOREIGN = ("skillclaw/bench/house/", "skillclaw/agents/hermes_plugin.py")
"""Programs that run elsewhere: in the benchmark's company, inside Hermes."""
PACKAGES = {
    "backports": "backports-zstd",
    "dotenv": "python-dotenv",
    "markdown_it": "markdown-it-py",
    "google": "protobuf",
    "nacl": "pynacl",
    "opentelemetry": "opentelemetry-proto",
    "pydantic_ai": "pydantic-ai-slim",
    "re2": "google-re2",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Modules that are named unlike their package."""
LATER = ("compression",)
"""Python's own from a later version on (3.14)."""
ROOMS = {
    "bench": ("evolve", "llm", "web", "serve", "dev"),
    "evolve": ("evolve", "llm", "gepa", "cluster", "embeddings"),
    "gate": ("evolve",),
    "hub": ("aws", "clouds"),
    "proxy": ("fast",),
    "cli": ("keyring",),
    "server": ("serve", "evolve", "keyring", "mcp", "otlp"),
    "web": ("web", "evolve"),
    "pages.py": ("evolve", "web"),
    "settings_upstreams.py": ("keyring",),
    "system_keyring.py": ("keyring",),
}
"""Which extras a room may import from, beside the client's packages; others none."""
BY_NAME = {
    "python-dateutil": "strictyaml needs it, and 4.0 brings 3 MB more",
    "python-multipart": "Starlette reads forms with it",
    "python-stdnum": "journal/personal_ids.py loads its modules by name",
    "cisco-ai-skill-scanner": "run as a program",
    "wordllama": "its weights are read as files",
}


@cache
def _imports() -> dict[str, list[tuple[str, bool]]]:
    """Each module with the modules that it imports, and whether as soon as it is imported itself."""
    return {
        path.relative_to(SRC).as_posix(): list(_of(ast.parse(path.read_text()), True, path))
        for path in sorted(SRC.rglob("*.py"))
        if not path.relative_to(SRC).as_posix().startswith(FOREIGN)
    }


def _of(node: ast.AST, at_once: bool, path: Path) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from ((one.name, at_once) for one in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module and not child.level:
            yield child.module, at_once
            yield from ((f"{child.module}.{one.name}", at_once) for one in child.names)
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _of(child, at_once and not inside, path)


def _package(module: str) -> str | None:
    """The package that a module is of; None for Python's own and SkillClaw's."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top in ("skillclaw", *LATER):
        return None
    return canonicalize_name(PACKAGES.get(top, top))


@cache
def _inside(name: str) -> frozenset[str]:
    text = (ROOT / "packaging" / "locks" / f"{name}.txt").read_text()
    return frozenset(pin.name for pin in lockfiles.pins(text))


def _files_of(module: str) -> Iterator[str]:
    """The files that are run when `module` is imported: itself and the packages above it."""
    parts = module.split(".")
    for upto in range(1, len(parts) + 1):
        stem = "/".join(parts[:upto])
        yield from (name for name in (f"{stem}.py", f"{stem}/__init__.py") if name in _imports())


def _reached(*starts: str) -> set[str]:
    todo = [name for start in starts for name in _files_of(start)]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            inner = (one for module, at_once in _imports()[name] if at_once for one in _files_of(module))
            todo += [one for one in inner if one not in seen]
    return seen


@pytest.mark.parametrize(
    "start",
    ["skillclaw.cli.app", "skillclaw.__main__", "skillclaw.proxy.serve", "skillclaw.journal.catalogue"],
)
def test_what_the_client_starts_with_needs_the_clients_packages_alone(start: str) -> None:
    reached = _reached(start)
    assert len(reached) > 3, "the walk found the modules"
    foreign = {
        f"{name} imports {module}"
        for name in reached
        for module, at_once in _imports()[name]
        if at_once and (package := _package(module)) and package not in _inside("client")
    }
    assert not foreign


def test_each_room_imports_only_what_its_extras_bring() -> None:
    wrong = set()
    for name, found in _imports().items():
        room = name.split("/")[1]
        allowed = _inside("client").union(*(_inside(extra) for extra in ROOMS.get(room, ())))
        wrong |= {f"{name}: {p}" for module, _ in found if (p := _package(module)) and p not in allowed}
    assert not wrong


def test_nothing_is_asked_for_that_nobody_imports() -> None:
    used = {_package(module) for found in _imports().values() for module, _ in found}
    asked = [one for name in lockfiles.extras(PROJECT) if name not in ("dev", *lockfiles.GROUPS)
             for one in lockfiles.asked(PROJECT, name)]  # fmt: skip
    names = {canonicalize_name(Requirement(one).name) for one in asked}
    assert names - used == set(BY_NAME), "drop it, or say in BY_NAME what it is for"
