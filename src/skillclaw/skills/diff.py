"""What changed between two versions of a skill, as a unified diff."""

from __future__ import annotations

import difflib

from skillclaw.skills.records import Bundle, File

__all__ = ["unified"]


def unified(old: Bundle, new: Bundle) -> str:
    """The change from `old` to `new` as `diff -u` writes it; empty where nothing changed.

    Files that are not UTF-8 text are named only; a changed executable bit is a line of its own.
    """
    before = {file.path: file for file in old.files}
    after = {file.path: file for file in new.files}
    lines: list[str] = []
    for path in sorted(before.keys() | after.keys()):
        lines += _file(path, before.get(path), after.get(path))
    return "\n".join(lines)


def _file(path: str, old: File | None, new: File | None) -> list[str]:
    if old == new:
        return []
    lines: list[str] = []
    if old and new and old.executable != new.executable:
        lines.append(f"mode of {path}: {'not ' if old.executable else ''}executable now")
    before, after = _text(old), _text(new)
    if before is None or after is None:
        if (old and old.data) != (new and new.data):
            lines.append(
                f"binary file {path} {'added' if old is None else 'removed' if new is None else 'differs'}"
            )
        return lines
    names = (f"a/{path}" if old else "/dev/null", f"b/{path}" if new else "/dev/null")
    change = list(difflib.unified_diff(_lines(before), _lines(after), *names, lineterm=""))
    if not change and (old is None or new is None):
        change = [f"--- {names[0]}", f"+++ {names[1]}"]  # an empty file came or went
    return lines + change


def _text(file: File | None) -> str | None:
    if file is None:
        return ""
    if b"\0" in file.data:
        return None
    try:
        return file.data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _lines(text: str) -> list[str]:
    """Lines without their end; a missing last line end shows as git shows it."""
    if not text:
        return []
    lines = text.split("\n")
    if lines[-1] == "":
        return lines[:-1]
    lines[-1] += "\n\\ No newline at end of file"
    return lines
