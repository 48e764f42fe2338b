"""A session as one line of events: what the user said, what the agent did, whether it worked.

Injected text, side requests, compactions and copied context are left out; sub-agents' actions stand where
their root called them; reading a skill and book-keeping tools are no actions.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from skillclaw.trajectory import web
from skillclaw.trajectory.failures import json_object
from skillclaw.trajectory.model import Result, Step, Trajectory, result_meta, step_meta, text_of
from skillclaw.trajectory.shapes import command_of, is_write, verb_of
from skillclaw.trajectory.shell import main_commands
from skillclaw.trajectory.text import word_set
from skillclaw.trajectory.told import own_words

__all__ = ["Act", "Answer", "Event", "Said", "flow", "looks_failed"]

RESULT_CUT = 20_000
"""Characters of a result that are looked at: enough for values and errors, bounded for floods of output."""

LANES = 1000
"""More sub-agents than one session starts; sub-agents of sub-agents are numbered within theirs."""

_BOOKKEEPING = word_set(
    "todowrite todoread update_plan exitplanmode enterplanmode skill task agent spawn_agent "
    "wait_agent wait close_agent "
    "toolsearch think askuserquestion taskoutput bashoutput write_stdin request_user_input "
    "taskcreate taskupdate tasklist"
)


class Said(msgspec.Struct, frozen=True):
    """The user's words."""

    step: int
    text: str


class Answer(msgspec.Struct, frozen=True):
    """The agent's words to the user."""

    step: int
    text: str


class Act(msgspec.Struct, frozen=True):
    """One tool call with its result. `ok` is None when no result came.

    `turn` counts the steps of the trajectory that made the call, `lane` says which one that was: 0 for the
    root, another number for each sub-agent. What two calls of one turn did, neither knew of the other.
    """

    step: int
    tool: str
    arguments: dict[str, Any]
    command: str | None
    ok: bool | None
    result: str
    writes: bool
    exit_code: int | None = None
    turn: int = 0
    lane: int = 0


Event = Said | Answer | Act

_FAILED_START = re.compile(
    r"^\W*(?:error|fatal|exception|traceback|failed|failure|invalid|unable to|cannot|can't|"
    r"could not|permission denied|"
    r"command not found|no such|unknown|usage:|<tool_use_error>|tool_use_error|apierror|e[a-z]{4,12}:)",
    re.I,
)
_FAILED_SHORT = re.compile(
    r"\b(?:not found|not valid|invalid|not provided|is not a valid|failed|denied|unable to|cannot|"
    r"could not|no such|"
    r"does not exist|doesn't exist|must be (?:one of|a|an|in)|is required|unauthori[sz]ed|forbidden|"
    r"timed out|too many requests|"
    r"please provide|please choose|missing \w+|not available|not enough|not allowed|already exists|"
    r"should (?:be|match|have))\b",
    re.I,
)
_FAILED_ANYWHERE = re.compile(
    r"Traceback \(most recent call last\)|: command not found|^npm ERR!|^fatal: |^error(?:\[\w+\])?: |"
    r"\b[A-Z]\w*(?:Error|Exception): |^E\s{3,}\w*Error|exit(?:ed with)? (?:code|status)[: ]+[1-9]|EADDRINUSE|"
    r"Permission denied|No such file or directory|Connection refused|\bSegmentation fault",
    re.M,
)
_COMPLAINTS = ("message", "error", "reason", "detail", "error_message")
_MARKS = ('"error"', '"isError"', '"success"', '"ok"', '"status"')
_READERS = word_set("read view cat open show grep glob ls search find")
_OUTPUT_HEAD = re.compile(r"\A(?:(?!Output:)[^\n]{0,200}\n){1,6}?Output:[ \t]*\n")
_EXIT_BELOW = re.compile(r"(?mi)^(?:Exit Code: (-?\d{1,5})|\(?Command exited with code (-?\d{1,5})\)?)\s*$")
_EXIT = re.compile(
    r"^(?:Exit code:?|Process exited with code|exit_code:|\[exit(?: code)?:?) *(-?\d{1,5})\b", re.M | re.I
)


def looks_failed(text: str, *, shell: bool = False) -> bool:
    """Whether a result without an exit code or error mark reads as a failure.

    Short texts are judged by what they say, long ones by how they begin; JSON by an `error` key. An empty
    find ("No events found.") is an answer, not a failure.
    """
    text = text.strip()
    if not text:
        return False
    if text[0] in "[{":
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            return _says_failed(value)
        if value is not None:
            return False
    if shell:
        return bool(_FAILED_ANYWHERE.search(text[:4000]) or _FAILED_ANYWHERE.search(text[-1500:]))
    if _FAILED_START.match(text):
        return True
    return len(text) <= 400 and bool(_FAILED_SHORT.search(text)) and not re.match(r"(?i)no \w+ found", text)


def _says_failed(value: dict[str, Any]) -> bool:
    """Whether a JSON answer says of itself that it failed.

    A `status` may be a fact about something else (an order that failed), so it needs a message beside it, or
    nothing at all.
    """
    if (
        value.get("error")
        or value.get("isError")
        or value.get("success") is False
        or value.get("ok") is False
    ):
        return True
    status = value.get("status")
    return status in ("error", "failed", "failure", "fail") and (
        len(value) == 1 or (len(value) <= 5 and any(value.get(name) for name in _COMPLAINTS))
    )


def _denies(tool: str, arguments: dict[str, Any], command: str | None, text: str) -> bool:
    """Whether a result that its host calls fine says in its own words that the call failed.

    Hosts report whether the tool ran, not what a server or an interpreter answered. What a tool reads from a
    file proves nothing.
    """
    if command is not None:
        main = main_commands(command)
        if not main or main[-1].words[0].rsplit("/", 1)[-1] not in web.PROGRAMS:
            return False
        head = _OUTPUT_HEAD.match(text)
        return web.refused(text[head.end() :] if head else text)
    if verb_of(tool) in _READERS:
        return False
    if web.is_web_tool(tool, arguments):
        return web.refused(text)
    if "Traceback (most recent call last)" in text:
        return any(isinstance(arguments.get(name), str) for name in ("code", "source", "script", "cell"))
    if text.startswith("{") and any(mark in text for mark in _MARKS):
        said = json_object(text)
        return said is not None and _says_failed(said)
    return False


def _quiet_exit(command: str, text: str) -> bool:
    """Exit 1 of a search or comparison says "nothing found", not "went wrong"."""
    main = main_commands(command)
    last = main[-1].words[0].rsplit("/", 1)[-1] if main else ""
    return last in ("grep", "rg", "diff", "cmp", "test", "[", "which", "pgrep", "ag") and not re.search(
        r"rror|No such", text
    )


def _judge(
    result: Result, tool: str, arguments: dict[str, Any], command: str | None
) -> tuple[bool, int | None, str]:
    text = text_of(result.content)
    if len(text) > RESULT_CUT:
        text = text[: RESULT_CUT // 2] + "\n" + text[-RESULT_CUT // 2 :]
    known = result_meta(result)
    code = known.exit_code
    if code is None and command is not None:
        match = _EXIT.search(text[:400]) or _EXIT_BELOW.search(text[-200:])
        code = int(match.group(match.lastindex or 1)) if match else None
    judged = False
    if code is not None:
        failed = code != 0 and not (code == 1 and command is not None and _quiet_exit(command, text))
    elif known.is_error is not None:
        failed = known.is_error
    else:
        failed = looks_failed(text, shell=command is not None)
        judged = text.startswith("{") and command is None
    denied = not failed and not judged and _denies(tool, arguments, command, text)
    return not (failed or denied), code, text


def _skill_read(tool: str, arguments: dict[str, Any], command: str | None) -> bool:
    where = (
        command
        if command is not None
        else " ".join(v for v in arguments.values() if isinstance(v, str) and len(v) < 500)
    )
    return "SKILL.md" in where and not is_write(tool, command)


def flow(trajectory: Trajectory) -> list[Event]:
    """The events of a session in order; sub-agents' actions carry the step of the call that started them."""
    subs = {}
    for sub in trajectory.subagent_trajectories or []:
        for name in (sub.trajectory_id, sub.session_id):
            if name:
                subs[name] = sub
    used: set[int] = set()
    events: list[Event] = []
    for step in trajectory.steps:
        events += _events(step)
        for result in step.observation.results if step.observation else []:
            for ref in result.subagent_trajectory_ref or []:
                sub_found = subs.get(ref.trajectory_id or "") or subs.get(ref.session_id or "")
                if sub_found is not None and id(sub_found) not in used:
                    used.add(id(sub_found))
                    events += _moved(sub_found, step.step_id, len(used))
    last = trajectory.steps[-1].step_id if trajectory.steps else 0
    for sub in trajectory.subagent_trajectories or []:
        if id(sub) not in used:
            used.add(id(sub))
            events += _moved(sub, last, len(used))
    return events


def _moved(sub: Trajectory, step: int, lane: int) -> list[Event]:
    """The actions of a sub-agent, at the step of the root's call."""
    # Lanes are numbered within each trajectory: those of its own sub-agents follow behind it.
    return [
        msgspec.structs.replace(e, step=step, lane=lane * LANES + e.lane)
        for e in flow(sub)
        if isinstance(e, Act)
    ]


def _events(step: Step) -> list[Event]:
    own = step_meta(step)
    if own.kind != "turn" or own.injected or step.is_copied_context or step.source == "system":
        return []
    text = text_of(step.message).strip()
    if step.source == "user":
        said = own_words(text)
        return [Said(step.step_id, said)] if said else []
    events: list[Event] = [Answer(step.step_id, text)] if text else []
    calls = step.tool_calls
    if not calls:
        return events
    given = step.observation.results if step.observation else []
    results: dict[str | None, Result] = {}
    for result in given:
        results.setdefault(result.source_call_id, result)
    if len(given) == len(calls) > 1 and all(r.source_call_id is None for r in given):
        # No result names its call: they come in the order of the calls.
        results = {call.tool_call_id: result for call, result in zip(calls, given, strict=True)}
    for call in calls:
        tool, arguments = call.function_name, call.arguments
        command = command_of(tool, arguments)
        if tool.lower() in _BOOKKEEPING or _skill_read(tool, arguments, command):
            continue
        found = results.get(call.tool_call_id) or (results.get(None) if len(calls) == 1 else None)
        ok, code, body = _judge(found, tool, arguments, command) if found is not None else (None, None, "")
        writes = is_write(tool, command)
        events.append(Act(step.step_id, tool, arguments, command, ok, body, writes, code, turn=step.step_id))
    return events
