"""WildClawBench's task format: a Markdown file with front matter and fixed sections.

Source of the format: tasks/task0_template.md of InternLM/WildClawBench. Front matter: id, name, category,
timeout_seconds, modality. Sections: Prompt, Expected Behavior, Grading Criteria, Automated Checks (a Python
function `grade(**kwargs) -> dict` of scores from 0 to 1 with the key `overall_score`), Workspace Path,
Skills, Env, Warmup. Other keys of the front matter are kept in `extra`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from skillclaw.errors import NOT_YAML, BadInputError, in_one_line
from skillclaw.trajectory.model import Record

__all__ = ["TaskFile", "parse", "read"]

DEFAULT_TIMEOUT = 300.0
"""Seconds, as the template says."""

_HEAD = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_HEADING = re.compile(r"##[ \t]+(\S.*?)[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_CRITERION = re.compile(r"[-*][ \t]+(?:\[[ xX]?\][ \t]*)?(\S.*)")


class TaskFile(Record, frozen=True, kw_only=True):
    """One task file.

    `checks` is Python source; `warmup` are shell commands; `workspace` is relative to the checkout.
    """

    id: str
    name: str
    category: str
    prompt: str
    checks: str
    workspace: str
    timeout: float = DEFAULT_TIMEOUT
    modality: str = ""
    expected: str = ""
    criteria: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    warmup: str = ""
    extra: Mapping[str, Any] = {}


def read(path: Path) -> TaskFile:
    """The task in `path`; raises BadInputError with the file and what is wrong."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"Cannot read the task file {path}.", str(error)) from error
    return parse(text, str(path))


def parse(text: str, where: str = "the task file") -> TaskFile:
    """The task that `text` describes; raises BadInputError naming `where`."""
    match = _HEAD.match(text)
    if match is None:
        raise BadInputError(f"{where} has no front matter.", "It must begin with a '---' line and close it.")
    try:
        head = yaml.safe_load(match.group(1))
    except (yaml.YAMLError, *NOT_YAML) as error:
        problem = in_one_line(error)
        raise BadInputError(f"{where} has a front matter that is not valid YAML.", problem) from error
    if not isinstance(head, dict) or not all(isinstance(key, str) for key in head):
        raise BadInputError(f"{where} has a front matter that is no list of keys and values.")
    sections = _sections(text[match.end() :])
    values = {key: head.pop(key, None) for key in ("id", "name", "category", "timeout_seconds", "modality")}
    if not isinstance(values["id"], str) or not values["id"].strip():
        raise BadInputError(
            f"{where} has no id.", "The front matter must say `id: <category>_task_<n>_<name>`."
        )
    for needed in ("Prompt", "Automated Checks", "Workspace Path"):
        if not _unfenced(sections.get(needed, "")).strip():
            raise BadInputError(f"{where} has no section '## {needed}', or an empty one.")
    return TaskFile(
        id=values["id"].strip(),
        name=str(values["name"] or values["id"]),
        category=str(values["category"] or ""),
        prompt=sections["Prompt"],
        checks=_unfenced(sections["Automated Checks"]),
        workspace=_unfenced(sections["Workspace Path"]).strip(),
        timeout=_timeout(values["timeout_seconds"], where),
        modality=str(values["modality"] or ""),
        expected=sections.get("Expected Behavior", ""),
        criteria=tuple(
            found.group(1)
            for line in sections.get("Grading Criteria", "").splitlines()
            if (found := _CRITERION.match(line.strip()))
        ),
        skills=_lines(sections.get("Skills", "")),
        env=_lines(sections.get("Env", "")),
        warmup=_unfenced(sections.get("Warmup", "")).strip(),
        extra=head,
    )


def _timeout(given: Any, where: str) -> float:
    if given is None:
        return DEFAULT_TIMEOUT
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= 86_400:
        raise BadInputError(f"{where} has timeout_seconds {given!r}.", "It must be a number of seconds.")
    return float(given)


def _sections(body: str) -> dict[str, str]:
    """The text under each `##` heading. A heading inside a code block is text; where a block is never closed
    every heading counts, as in the format's own reader."""
    lines = body.splitlines()
    inside = list(_inside(lines))
    if inside and inside[-1]:
        inside = [False] * len(lines)
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line, code in zip(lines, inside, strict=True):
        heading = None if code else _HEADING.fullmatch(line)
        if heading:
            current = found.setdefault(heading.group(1), [])
        else:
            current.append(line)
    return {name: "\n".join(text).strip() for name, text in found.items()}


def _inside(lines: list[str]) -> Iterator[bool]:
    """For each line whether it lies in a fenced code block; after the last line, whether one is open still
    is what the last value says."""
    open_with = ""
    for line in lines:
        fence = _FENCE.fullmatch(line)
        if open_with:
            closes = (
                fence is not None
                and fence.group(1)[0] == open_with[0]
                and len(fence.group(1)) >= len(open_with)
                and not fence.group(2).strip()
            )
            if closes:
                open_with = ""
                yield False
                continue
        elif fence is not None:
            open_with = fence.group(1)
        yield bool(open_with)


def _unfenced(text: str) -> str:
    """What stands in the first code block, or the text itself where there is no block."""
    lines = text.splitlines()
    start = next((number for number, line in enumerate(lines) if _FENCE.fullmatch(line)), None)
    if start is None:
        return text
    inside = list(_inside(lines))
    end = next((n for n in range(start + 1, len(lines)) if not inside[n]), len(lines))
    return "\n".join(lines[start + 1 : end])


def _lines(section: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in _unfenced(section).splitlines() if line.strip())
