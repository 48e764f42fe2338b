"""The scripts that a session wrote and ran: several lines in one shell call, or a file that was run after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from skillclaw.skills.text import has_mask
from skillclaw.trajectory.flow import Act, flow
from skillclaw.trajectory.model import Trajectory
from skillclaw.trajectory.shapes import target_of
from skillclaw.trajectory.shell import main_commands

__all__ = ["FEWEST", "MOST", "Written", "written"]

FEWEST = 3
"""Lines that make it worth a script."""
MOST = 60
LINE = 400
_DOCUMENT = re.compile(
    r"^cat[ \t]+(?:>[ \t]*(?P<a>[\w./-]+)[ \t]+<<|<<)-?[ \t]*(['\"]?)(?P<word>\w+)\2"
    r"(?:[ \t]*>[ \t]*(?P<b>[\w./-]+))?[ \t]*\n(?P<text>.*?)^[ \t]*(?P=word)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_CONTENT = ("content", "file_text", "text", "contents")
_RUNNERS = frozenset({"bash", "sh", "zsh", "dash", "python", "python3"})


class Written(NamedTuple):
    """A script as a session wrote it: its lines without comments, and the file's name where it had one."""

    language: Literal["sh", "py"]
    name: str
    lines: tuple[str, ...]


def written(trajectory: Trajectory) -> list[Written]:
    """The scripts of a session that ran without failing, each text once."""
    found: dict[Written, None] = {}
    files: dict[str, Written] = {}
    for act in flow(trajectory):
        if not isinstance(act, Act):
            continue
        if act.command is None:
            _note(act, files)
            continue
        for document in _DOCUMENT.finditer(act.command):
            _keep(files, document["a"] or document["b"] or "", document["text"])
        if act.ok is not True:
            continue
        for one in _ran(act.command, files):
            found.setdefault(one)
        if "<<" not in act.command:
            lines = _lines("sh", act.command)
            if len(lines) >= FEWEST:
                found.setdefault(Written("sh", "", lines))
    return list(found)


def _note(act: Act, files: dict[str, Written]) -> None:
    path = target_of(act.arguments)
    text = next((v for name in _CONTENT if isinstance(v := act.arguments.get(name), str)), None)
    if path and text is not None and act.ok is not False:
        _keep(files, path, text)
    elif path and act.writes:
        files.pop(PurePosixPath(path).name, None)  # changed in a way that is not known whole


def _keep(files: dict[str, Written], path: str, text: str) -> None:
    name = PurePosixPath(path).name
    files.pop(name, None)
    language: Literal["sh", "py"] | None = (
        "py" if name.endswith(".py") else "sh" if name.endswith((".sh", ".bash")) else None
    )
    if language is not None:
        lines = _lines(language, text)
        if lines:
            files[name] = Written(language, name, lines)


def _ran(command: str, files: dict[str, Written]) -> Iterator[Written]:
    for simple in main_commands(command):
        program, *words = simple.words
        called = [words[0]] if PurePosixPath(program).name in _RUNNERS and words else [program]
        for word in called:
            known = files.get(PurePosixPath(word).name)
            if known is not None and len(known.lines) >= FEWEST:
                yield known


def _lines(language: str, text: str) -> tuple[str, ...]:
    """The lines that do something; empty where the text is none that a script could be made of."""
    if language == "sh" and ("<<" in text or has_mask(text)):
        return ()
    if language == "py" and (has_mask(text) or "__future__" in text):
        return ()
    text = text.replace("\r\n", "\n")
    if language == "sh":
        text = re.sub(r"[ \t]*\\\n[ \t]*", " ", text)
    # A line of a long string may be empty, or look like a comment.
    whole = language == "py" and ('"""' in text or "'''" in text)
    kept = []
    for line in text.split("\n"):
        bare = line.strip()
        if not whole and (not bare or bare.startswith("#")):
            continue
        if language == "sh" and re.fullmatch(r"set (?:-\w+ ?)+(?:pipefail)?", bare):
            continue
        kept.append(line.rstrip() if language == "py" else bare)
    fits = len(kept) <= MOST and all(len(line) <= LINE and line.isprintable() for line in kept)
    return tuple(kept) if fits else ()
