"""Calls on an office: one by one as an agent makes them, and from the text that a run recorded.

Recorded calls are Python expressions (`calendar.delete_event.func(event_id="00000013")`) that were evaluated
to judge a run: what could not be evaluated (a quotation mark within a text, an unknown tool or argument) had
no effect. They are parsed here, never evaluated.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from skillclaw.bench.suites.workbench import analytics, calendar, crm, directory, email, projects
from skillclaw.bench.suites.workbench.registry import OfficeTool, exposed
from skillclaw.bench.suites.workbench.tables import Office, RefusedError

__all__ = ["NAMES", "TOOLS", "execute", "parse_call", "replay", "texts"]

TOOLS: Mapping[str, OfficeTool] = {
    tool.name: tool
    for module in (calendar, email, analytics, projects, crm, directory)
    for tool in module.TOOLS
}
"""The tools by their recorded names: 26 on the five tables, and the address book's."""

NAMES: Mapping[str, str] = {spelling: name for name in TOOLS for spelling in (name, exposed(name))}
"""Every spelling of a name that is understood, with the recorded name."""


def execute(office: Office, name: str, arguments: Mapping[str, Any]) -> Any:
    """Call a tool by any of its names. Arguments are text; numbers are taken as text, and None as not given.

    Returns JSON. Raises RefusedError for everything that an agent can get wrong.
    """
    tool = TOOLS.get(NAMES.get(name, ""))
    if tool is None:
        raise RefusedError(f"{name} is not a tool. The tools are: {', '.join(map(exposed, TOOLS))}.")
    return tool.run(office, **texts(tool, arguments))


def texts(tool: OfficeTool, arguments: Mapping[str, Any]) -> dict[str, str]:
    """The arguments as the tool takes them. Raises RefusedError for an unknown one or one that is no text."""
    given: dict[str, str] = {}
    for name, value in arguments.items():
        if name not in tool.arguments:
            raise RefusedError(
                f"{name} is not an argument of this tool. It takes: {', '.join(tool.arguments)}."
            )
        if value is None:
            continue
        if not isinstance(value, str | int | float):
            raise RefusedError(tool.not_text.get(name, f"{name} must be one text, not a list or an object."))
        given[name] = value if isinstance(value, str) else str(value)
    return given


def parse_call(text: str) -> tuple[str, dict[str, str]] | None:
    """The tool's recorded name and its arguments; None for what is no such call."""
    try:
        # A line break within an argument was recorded as it is.
        call = ast.parse(text.replace("\n", "\\n"), mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            return None
        name = ast.unparse(call.func).removesuffix(".func")
        given = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    if len(given) != len(call.keywords) or not all(isinstance(value, str) for value in given.values()):
        return None
    return name, given


def replay(office: Office, calls: Iterable[str]) -> None:
    """Make recorded calls on the office, in order. A call that cannot be made has no effect."""
    for text in calls:
        parsed = parse_call(text)
        if parsed is None or parsed[0] not in TOOLS:
            continue
        try:
            execute(office, *parsed)
        except RefusedError:
            continue
