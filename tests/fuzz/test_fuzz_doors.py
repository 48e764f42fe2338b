"""Whatever takes bytes or text from outside apart has a target that truly reaches it: the source is searched
for calls that decode, and each target is watched while it runs over what is kept for it.
"""

from __future__ import annotations

import logging
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest
from fuzzing.decoders import SOURCE, decoders
from fuzzing.reach import Ran, watched
from fuzzing.target import CORPORA, FUZZ, TARGETS, load, names, seeds
from fuzzing.trial import trial

LONG = ("agent_settings", "author_desk", "backup", "dashboard", "serve_api")
"""Targets that take seconds while they are watched."""


@cache
def doors() -> dict[str, Any]:
    return tomllib.loads((FUZZ / "doors.toml").read_text("utf-8"))


def modules(pattern: str) -> list[str]:
    """The modules that a pattern of doors.toml names."""
    found = [path.relative_to(SOURCE).as_posix() for path in SOURCE.glob(pattern) if path.is_file()]
    return sorted(found)


def inside(module: str, function: str) -> bool:
    """Whether a reason is told for the module, or for this function of it (`MODULE:FUNCTION`); or it is told
    that no target gets there yet."""
    return module in doors()["inside"] or f"{module}:{function}" in doors()["inside"] | doors()["unreached"]


def test_every_decoder_has_a_target_or_a_reason() -> None:
    targets = doors()["targets"]
    listed = [pattern for patterns in targets.values() for pattern in patterns]
    assert sorted(targets) == names(), "doors.toml names each target, and no other"
    missing = {
        module: sorted({one.call for one in calls if not inside(module, one.inside)})
        for module, calls in decoders().items()
        if not any(fnmatchcase(module, pattern) for pattern in listed)
        and not all(inside(module, one.inside) for one in calls)
    }
    assert not missing, "modules that decode, and no target is named for them in tests/fuzz/doors.toml"
    stale = [
        one for one in [*listed, *(name.partition(":")[0] for name in doors()["inside"])] if not modules(one)
    ]
    stale += [name for name in doors()["inside"] if ":" not in name and name not in decoders()]
    assert not stale, "tests/fuzz/doors.toml names modules that are not there, or decode nothing"
    assert all(len(reason) > 15 for reason in doors()["inside"].values())


def test_each_reason_for_a_function_is_of_one_that_decodes() -> None:
    held = {f"{module}:{one.inside}" for module, calls in decoders().items() for one in calls}
    told = {name for table in ("inside", "unreached") for name in doors()[table] if ":" in name}
    assert told <= held


def test_nothing_that_is_kept_is_empty() -> None:
    """An empty seed looks kept and reaches nothing, as the one of Codex's WebSocket did."""
    assert [path.relative_to(CORPORA) for path in CORPORA.rglob("*") if not path.stat().st_size] == []


@cache
def reached(name: str) -> frozenset[tuple[str, int]]:
    """What of the source runs while the target runs over what is kept for it."""
    target = load(TARGETS / f"{name}.py")
    _forget()
    ran: Ran
    with watched() as ran:
        for data in seeds(CORPORA / name):
            trial(target, data)
    return frozenset(ran)


def _forget() -> None:
    """What another test had the functions keep, they would not come to make again."""
    for module in [one for name, one in sys.modules.items() if name.split(".")[0] == "skillclaw"]:
        for kept in vars(module).values():
            if hasattr(kept, "cache_clear"):
                kept.cache_clear()


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    monkeypatch.setenv("HOME", str(tmp_path))
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in names()]
)
def test_a_target_reaches_what_is_listed_for_it(name: str, home: None) -> None:
    """Each module that is named; and each function that decodes, of those and of what a `*` stands for, by
    this target or another one that the module is listed for."""
    known, targets = decoders(), doors()["targets"]
    entered = {module for module, _ in reached(name)}
    missed: list[str] = []
    for pattern in targets[name]:
        for module in modules(pattern):
            if known.get(module) and all(inside(module, one.inside) for one in known[module]):
                continue
            if module not in entered and ("*" not in pattern or module in known):
                missed += [module] if "*" not in pattern or not _by_another(name, module, 0) else []
            missed += [
                f"{module}:{one.inside} ({one.call}, line {one.line})"
                for one in known.get(module, [])
                if one.function
                and not inside(module, one.inside)
                and (module, one.function) not in reached(name)
                and not _by_another(name, module, one.function)
            ]
    assert not missed, "listed in tests/fuzz/doors.toml, and nothing kept in tests/fuzz/corpora gets there"


def _by_another(name: str, module: str, function: int) -> bool:
    """Whether another target that the module is listed for gets there; 0: anywhere in it."""
    others = [
        other
        for other, patterns in doors()["targets"].items()
        if other != name and any(fnmatchcase(module, pattern) for pattern in patterns)
    ]
    return any(
        (module, function) in reached(other)
        or (not function and module in {one for one, _ in reached(other)})
        for other in others
    )


def test_what_is_looked_for_is_found_where_it_is_known_to_be() -> None:
    known = decoders()
    for module, call in (
        ("wire/body.py", "zstd.reader"),
        ("skills/bundle.py", "zstd.reader"),
        ("server/backup/packing.py", "tarfile.TarInfo.frombuf"),
        ("hub/log.py", "_decoder.decode"),
        ("hub/keys.py", "bytes.fromhex"),
        ("server/setup/launch_agent.py", "plistlib.loads"),
        ("web/reading/entries.py", "_decode"),
    ):
        assert call in {one.call for one in known[module]}, "the search has gone blind"


def test_a_module_that_a_target_never_enters_is_told() -> None:
    with watched() as ran:
        trial(load(TARGETS / "sse.py"), b"\x01data: x\n\n")
    assert {module for module, _ in ran} == {"wire/sse.py"}
