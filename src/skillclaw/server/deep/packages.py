"""Whether the packages that are installed fit what this SkillClaw asks for.

By numbers alone, which is all that its own requirements have: `packaging` would be one more package of every
client for one line of a report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata

from skillclaw.server.deep.records import Check, fail, ok, warn

__all__ = ["fits", "judged", "packages"]

MEND = "Install SkillClaw again as you did, with the extras that you use."

_WANTED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*([^;]*)(?:;(.*))?")
_BOUND = re.compile(r"\s*(>=|<=|==|!=|<|>)\s*(\d+(?:\.\d+)*)\s*")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_EXTRA = re.compile(r"\bextra\s*==")
_HOLDS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}


def packages() -> list[Check]:
    """Every package that the client needs is there and fits; those of extras fit where they are there."""
    try:
        wanted = metadata.requires("skillclaw") or []
    except metadata.PackageNotFoundError:
        return [ok("versions", "packages", "are not looked at: SkillClaw runs from a folder")]
    return judged(wanted, _installed)


def judged(wanted: Iterable[str], installed: Callable[[str], str]) -> list[Check]:
    """The same for requirements as package metadata states them; `installed` gives a version or nothing."""
    looked, found = 0, dict[str, Check]()
    for name, range_, condition in _parts(wanted):
        extra, version = bool(_EXTRA.search(condition)), installed(name)
        if not version:
            if not condition:
                found[name] = fail("versions", name, "is not installed", MEND)
            continue
        looked += 1
        if not fits(version, range_):
            number = match[0] if (match := _NUMBER.match(version)) else "of no number"
            told = f"is {number}, and SkillClaw asks for {range_}"
            found.setdefault(name, (warn if extra else fail)("versions", name, told, MEND))
    return list(found.values()) or [ok("versions", "packages", f"{looked} fit what SkillClaw asks for")]


def fits(version: str, range_: str) -> bool:
    """Whether `version` is within bounds such as `>=3.11,<4`, by its numbers; all else counts as met."""
    match = _NUMBER.match(version)
    if match is None:
        return not range_.strip()
    have = _numbers(match[0])
    bounds = [bound for part in range_.split(",") if (bound := _BOUND.fullmatch(part))]
    return all(_HOLDS[bound[1]](*_padded(have, _numbers(bound[2]))) for bound in bounds)


def _parts(wanted: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Name, range and condition of each requirement, but those of who develops SkillClaw."""
    for line in wanted:
        if (match := _WANTED.fullmatch(line.strip())) is None:
            continue
        name, range_, condition = match[1], match[2].strip(" ()"), (match[3] or "").strip()
        if not re.search(r"\bextra\s*==\s*['\"]dev['\"]", condition):
            yield name, range_, condition


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _padded(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    size = max(len(one), len(two))
    return one + (0,) * (size - len(one)), two + (0,) * (size - len(two))
