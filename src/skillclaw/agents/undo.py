"""Undoing a connection: the settings as they were before it, with what the user changed since.

A file that nobody touched since gets its original bytes. Else each line that was written goes back to what it
was before, as long as it stands there unchanged, so that quotes, comments and layout are the user's again.
Where the user changed these lines too, the keys that still have our values get their old ones. An entry of a
list is found by what it is called: the user may have put another before it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

from skillclaw.agents import texts
from skillclaw.agents.edits import decoded, get_key, refused
from skillclaw.agents.records import Connection, Env, FileEdit, KeyChange, WrittenFile
from skillclaw.agents.texts import Format, Key, TextError
from skillclaw.agents.urls import is_own
from skillclaw.errors import BadInputError

__all__ = ["restore"]


def restore(env: Env, record: Connection) -> list[FileEdit]:
    """The edits that undo a connection; BadInputError for a file that cannot be edited any more."""
    edits = []
    for file in record.files:
        path = Path(file.path)
        now = env.read_bytes(path)
        if now is None:
            continue
        if hashlib.sha256(now).hexdigest() in (file.written, file.stood):
            after = file.original
        else:
            after = _put_back(path, now, file, record.agent)
        if after != now:
            edits.append(
                FileEdit(path=path, before=now, after=after, format=file.format, folders=file.folders)
            )
    return edits


def _put_back(path: Path, data: bytes, file: WrittenFile, agent: str) -> bytes:
    if file.format == "text":
        return data
    text = decoded(path, data)
    made = _by_lines(path, text, file)
    if made is None:
        made = _by_keys(path, text, file, agent)
    return made.encode("utf-8")


def _by_lines(path: Path, text: str, file: WrittenFile) -> str | None:
    """The text with the lines that were written as they were before; None where that is not to be told."""
    if file.original is None:
        return None
    try:
        if any(not c.item and texts.get(text, file.format, c.keys) != (True, c.new) for c in file.changes):
            return None
        lines = text.splitlines(keepends=True)
        for before, after in reversed(list(pairwise(_steps(path, file)))):
            old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
            start, end = _common(old, new)
            written = new[start : len(new) - end]
            at = _only_place(lines, written)
            if at is None:
                return None
            back = old[start : len(old) - end]
            stop = at + len(written)
            if back and stop < len(lines) and not back[-1].endswith(("\n", "\r")):
                back = [*back[:-1], back[-1] + ("\r\n" if written[-1].endswith("\r\n") else "\n")]
            lines[at:stop] = back
        made = "".join(lines)
        return made if made != text and _undone(text, made, file) else None
    except (TextError, BadInputError):
        return None


def _steps(path: Path, file: WrittenFile) -> list[str]:
    """The texts on the way from the original to what was written; empty where today's way is another."""
    found = [decoded(path, file.original)]
    for change in file.changes:
        make = texts.append if change.item else texts.set_value
        made = make(found[-1], file.format, change.keys, change.new)
        if made != found[-1]:
            found.append(made)
    return found if hashlib.sha256(found[-1].encode("utf-8")).hexdigest() == file.written else []


def _common(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many lines at the start, and of the others at the end, are the same."""
    most = min(len(old), len(new))
    start = next((at for at in range(most) if old[at] != new[at]), most)
    end = next((at for at in range(most - start) if old[-1 - at] != new[-1 - at]), most - start)
    return start, end


def _only_place(lines: list[str], wanted: list[str]) -> int | None:
    """Where these lines stand, if they do so just once."""
    places = [at for at, line in enumerate(lines) if wanted and line == wanted[0]]
    found = [at for at in places if lines[at : at + len(wanted)] == wanted]
    return found[0] if len(found) == 1 else None


def _undone(text: str, made: str, file: WrittenFile) -> bool:
    """Whether `made` holds the old values and else what `text` holds."""
    now, then = texts.load(text, file.format), texts.load(made, file.format)
    original = texts.load(decoded(Path(file.path), file.original), file.format)
    for change in file.changes:
        had, value = texts.at(then, change.keys)
        if change.item:
            if change.new in (value if isinstance(value, list) else []):
                return False
        elif (had, value) != texts.at(original, change.keys):
            return False
    for change in file.changes:
        _without(now, change)
        _without(then, change)
    return bool(now == then)


def _without(tree: Any, change: KeyChange) -> None:
    """Take what a change set out of a tree, and what is empty around it then."""
    had, value = texts.at(tree, change.keys)
    if not had:
        value = None
    elif change.item:
        value = [item for item in value if item != change.new] if isinstance(value, list) else value
    keys: Sequence[Key] = change.keys
    keep = deepcopy(value) if change.item else None
    for depth in range(len(keys), 0, -1):
        there, holder = texts.at(tree, keys[: depth - 1])
        key = keys[depth - 1]
        if there and isinstance(holder, dict) and key in holder:
            if keep in (None, {}, []):
                del holder[key]
            else:
                holder[key] = keep
        elif there and isinstance(holder, list) and isinstance(key, int) and key < len(holder):
            holder[key] = keep
        keep = holder if there else None


def _by_keys(path: Path, text: str, file: WrittenFile, agent: str) -> str:
    format = file.format
    then = texts.load(decoded(path, file.original), format) if file.original is not None else None
    for change in reversed(file.changes):
        found = _where(then, texts.load(text, format), change, agent)
        if found is None:
            continue  # the user took the entry out
        keys = found
        had, now = get_key(path, text.encode("utf-8"), format, keys)
        made_list = isinstance(change.new, list) and not change.had
        if change.item or (made_list and isinstance(now, list) and now != change.new):
            # An item of a list, to which others may have been added since.
            for value in [change.new] if change.item else change.new:
                items = now if isinstance(now, list) else []
                places = [at for at, item in enumerate(items) if _ours(item, value, agent)]
                # Of two with other ports the one that was written now, not one that a crash left.
                at = min(places, key=lambda place: items[place] != value, default=None)
                if at is not None:
                    text = _removed(path, text, format, [*keys, at])
                    now = get_key(path, text.encode("utf-8"), format, keys)[1]
            if not (made_list and now == []):
                continue
        elif not had or not (_ours(now, change.new, agent) or (isinstance(now, str) and is_own(now, agent))):
            continue
        if change.had:
            with refused(path, keys, change.old):
                text = texts.set_value(text, format, keys, change.old)
            continue
        text = _removed(path, text, format, keys)
        for depth in range(len(keys) - 1, len(keys) - 1 - change.made, -1):
            held = get_key(path, text.encode("utf-8"), format, keys[:depth])
            if held[0] and held[1] in ({}, None):
                text = _removed(path, text, format, keys[:depth])
    return text


def _where(then: Any, now: Any, change: KeyChange, agent: str) -> tuple[Key, ...] | None:
    """The path of a change in the tree as it is now; None where the entry of a list that it was made in is
    gone."""
    found: list[Key] = []
    for depth, key in enumerate(change.keys):
        items = texts.at(now, found)[1]
        if isinstance(key, int) and isinstance(items, list):
            before = texts.at(then, change.keys[:depth])[1]
            rest = change.keys[depth + 1 :]
            fits = [_ours(texts.at(item, rest)[1], change.new, agent) for item in items]
            place = _entry(before if isinstance(before, list) else [], key, items, fits)
            if place is None:
                return None
            key = place
        found.append(key)
    return tuple(found)


_CALLED = ("id", "name", "model", "provider", "label", "title")


def _entry(before: list[Any], at: int, now: list[Any], fits: Sequence[bool]) -> int | None:
    """Where the entry is now that was at `at`: the one that is called the same, of several the one in the
    same turn, else one with our value; and one that was called otherwise since, if that is no other."""
    names = [_called(item) for item in before]
    wanted = names[at] if at < len(names) else ""
    same = [place for place, item in enumerate(now) if wanted and _called(item) == wanted]
    if same and len(same) == names.count(wanted):
        return same[names[:at].count(wanted)]
    known = [name for name in names if name]
    loose = same or [place for place, item in enumerate(now) if _called(item) not in known]
    mine = [place for place in loose if fits[place]]
    if at in mine or (at in same and not mine):
        return at
    return mine[0] if len(mine) == 1 or (mine and same) else None


def _called(item: Any) -> str:
    """What an entry is called, empty for none; an id counts more than a name that people are shown."""
    if not isinstance(item, dict):
        return ""
    return next((f"{key}={item[key]}" for key in _CALLED if isinstance(item.get(key), str)), "")


def _ours(now: Any, new: Any, agent: str) -> bool:
    """Whether a value is what was written, be it for another port: a crash may have left the one before."""
    if now == new:
        return True
    if not (isinstance(now, str) and isinstance(new, str)):
        return False
    url = re.compile(rf"(https?://[^/\s:]+):\d+(?=/{re.escape(agent)}(?:/|\Z))")
    return url.search(new) is not None and url.sub(r"\1", now) == url.sub(r"\1", new)


def _removed(path: Path, text: str, format: Format, keys: Sequence[Key]) -> str:
    with refused(path, keys):
        return texts.remove(text, format, keys)
