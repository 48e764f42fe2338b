"""In what environment a session ran, as far as its own commands said: a fact is only as good as its place.

Versions are taken from results of shell commands that worked: of programs that were asked for theirs, and
of test runners and interpreters that print a line about themselves. They are cut to major.minor, so that a
fact goes stale when something changed that may matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from skillclaw.trajectory.flow import Act, Event, flow
from skillclaw.trajectory.model import Trajectory, meta
from skillclaw.trajectory.shell import main_commands
from skillclaw.trajectory.text import word_set

__all__ = ["environment", "facts"]

MOST = 24
LOOKED_AT = 4000
"""Characters of a result in which a program tells its version."""

_NOT_PLACE = word_set("git_branch git_commit git_remote cwd project user home date skillclaw.canary")
"""Facts that hosts record about the work or the person, not about the machine."""
_ALIASES = {"python3": "python", "pip3": "pip", "nodejs": "node", "docker-compose": "docker compose"}
_ASKS = word_set("--version -version -V -v version --Version")
_NAMES = re.compile(r"[a-z][a-z0-9+._-]{0,30}")
_VALUE = re.compile(r"[0-9]+(?:\.[0-9]+){0,2}")
_VERSION = re.compile(
    r"(?<![\w.:/-])(?:v|go|version )?([0-9]{1,4}\.[0-9]{1,4})(?:\.[0-9]{1,6})?(?![\d:])", re.I
)
_BANNERS = (
    (
        "-- Python",
        re.compile(r"(?m)^platform (?P<os>linux|darwin|win32) -- Python (?P<python>\d+\.\d+)"),
    ),
    ("pytest-", re.compile(r"\bpytest-(?P<pytest>\d+\.\d+)\.\d+")),
    (" RUN ", re.compile(r"(?m)^ RUN +v(?P<vitest>\d+\.\d+)\.\d+")),
    ("Python 3", re.compile(r"(?m)^Python (?P<python>\d+\.\d+)\.\d+\S* \((?:main|default|tags)")),
    ("Node.js v", re.compile(r"(?m)^Node\.js v(?P<node>\d+\.\d+)\.\d+$")),
)
"""Lines that programs print about themselves, each behind words that are quickly looked for."""
_OS_NAMES = {"linux": "linux", "darwin": "darwin", "win32": "windows", "mingw": "windows", "msys": "windows"}
_UNAME = re.compile(r"\A\s*(Linux|Darwin|MINGW|MSYS)\w*(?:\S*\s+\S+\s+(\d+\.\d+))?")


def environment(trajectory: Trajectory) -> dict[str, str]:
    """Facts about where the session ran: `os` and such as recorded, and `major.minor` of tools by name.

    At most 24, sorted by name; the last version that a session saw counts.
    """
    return facts(meta(trajectory).env, flow(trajectory))


def facts(recorded: Mapping[str, str], events: Iterable[Event]) -> dict[str, str]:
    """`environment` of a session whose events are at hand."""
    given = {
        name.lower(): value
        for name, value in recorded.items()
        if name.lower() not in _NOT_PLACE and _NAMES.fullmatch(name.lower()) and 0 < len(value) <= 80
    }
    seen: dict[str, str] = {}
    for event in events:
        if isinstance(event, Act) and event.ok and event.command is not None and event.result:
            seen.update(_told(event.command, event.result[:LOOKED_AT]))
    found = {**seen, **given}
    kept = sorted(found, key=lambda name: (name not in given, name))[:MOST]
    return {name: found[name] for name in sorted(kept)}


def _told(command: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for mark, banner in _BANNERS:
        if mark in text and (match := banner.search(text)) is not None:
            found.update({name: value for name, value in match.groupdict().items() if value})
    if "os" in found:
        found["os"] = _OS_NAMES[found["os"]]
    if "ersion" not in command and " -v" not in command.lower() and "uname" not in command:
        return found
    asked = [simple.words for simple in main_commands(command)[:8]]
    if len(asked) == 1 and asked[0][0] == "uname":
        if match := _UNAME.match(text):
            found["os"] = _OS_NAMES[match[1].lower()]
            if match[2]:
                found["kernel"] = match[2]
        return found
    names = [name for words in asked if (name := _asked(words))]
    if len(names) != len(asked):
        return found  # other output stands between: whose version a number is would be a guess
    lines = [line for line in text.splitlines() if _VERSION.search(line)]
    if len(names) == 1 and lines:
        found.update(_version(names[0], lines[0]))
    elif len(lines) == len(names):
        for name, line in zip(names, lines, strict=True):
            found.update(_version(name, line))
    return found


def _asked(words: tuple[str, ...]) -> str:
    """The program that is asked for its version by these words; empty for any other command."""
    name = words[0].rsplit("/", 1)[-1]
    asks = len(words) == 2 and words[1] in _ASKS
    if len(words) == 3 and words[:2] == ("docker", "compose") and words[2] in _ASKS:
        name, asks = "docker compose", True
    if not asks and len(words) == 4 and words[1] == "-m" and words[3] in _ASKS:
        name, asks = words[2], True
    name = _ALIASES.get(name, name)
    return name if asks and re.fullmatch(r"[a-z][a-z0-9+._ -]{0,30}", name) else ""


def _version(name: str, line: str) -> dict[str, str]:
    match = _VERSION.search(line)
    return {name: match[1]} if match is not None and _VALUE.fullmatch(match[1]) else {}
