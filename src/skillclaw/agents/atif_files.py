"""ATIF files: one JSON document (object or array) or JSONL, plain, gzip or zstd.

JSONL is streamed: memory does not grow with the file. Each document is decoded by msgspec and checked by
the rules that ATIF adds; what fails there is judged by the `atif` package, whose word is final and whose
reason is told. Reference: PyPI `atif` 1.8.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.agents.history import lines
from skillclaw.agents.records import AtifItem
from skillclaw.errors import BadInputError
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import (
    SESSION_FORMAT,
    Part,
    Step,
    Trajectory,
    call_meta,
    decode,
    encode,
    meta,
    result_meta,
    step_meta,
    with_meta,
)

__all__ = ["read_atif"]

MAX_DOCUMENT = 1024 * 1024 * 1024
"""Bytes of a file that is one JSON document, which must be held in memory as a whole."""

OUR_VERSION = SESSION_FORMAT
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?\Z")
_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_array = msgspec.json.Decoder(list[msgspec.Raw])


def read_atif(path: Path) -> Iterator[AtifItem]:
    """Each trajectory of the file, or why it is none.

    Raises StorageError when the file cannot be read, BadInputError when no part of it is JSON.
    """
    head = next((line for _, line, _ in lines.raw_lines(path, lines.Tally())), b"")
    if not head or (_is_json(head) and not head.startswith(b"[")):
        yield from _from_lines(path)
        return
    if _is_json(head):
        yield from _from_array(head)
        return
    body = lines.beginning(path, MAX_DOCUMENT + 1).removeprefix(b"\xef\xbb\xbf")
    if len(body) > MAX_DOCUMENT:
        raise BadInputError(f"{path} is too large for one document.", "", "Give JSONL: one session a line.")
    if body.lstrip().startswith(b"[") and _is_json(body):
        yield from _from_array(body)
    elif _is_json(body):
        yield _item(body, 1)
    else:
        found = list(_from_lines(path, limit=200))
        if not any(item.trajectory for item in found):
            raise BadInputError(f"{path} is not JSON.", _place(body), "Mend the file, or export it again.")
        yield from _from_lines(path)


def _from_lines(path: Path, limit: int | None = None) -> Iterator[AtifItem]:
    tally = lines.Tally()
    for number, line, ended in lines.raw_lines(path, tally):
        if limit is not None and number > limit:
            return
        item = _item(line, number)
        if item.trajectory is None and not ended and not _is_json(line):
            item = AtifItem(trajectory=None, line=number, reason="the last line is cut off")
        yield item
    for reason in tally.counts:
        yield AtifItem(trajectory=None, line=0, reason=reason)


def _from_array(body: bytes) -> Iterator[AtifItem]:
    for position, raw in enumerate(_array.decode(body), 1):
        yield _item(bytes(raw), position)


def _item(data: bytes, line: int) -> AtifItem:
    try:
        return AtifItem(trajectory=_trajectory(data), line=line)
    except BadInputError as error:
        return AtifItem(trajectory=None, line=line, reason=error.what)


def _trajectory(data: bytes) -> Trajectory:
    """The document as a session of ours; BadInputError whose `what` says why it is none."""
    try:
        found = decode(data)
        doubt = _doubt(found)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        found, doubt = None, str(error)
    if doubt:
        found = _judged(data, doubt)
    assert found is not None
    if not found.steps:
        raise BadInputError("the session has no steps")
    return _completed(found)


def _judged(data: bytes, doubt: str) -> Trajectory:
    """What `atif` makes of it; asked only where the fast check is in doubt, being ten times slower."""
    import atif
    from pydantic import ValidationError

    try:
        value = lines.json_value(data)
    except BadInputError as error:
        raise BadInputError(f"not JSON: {error.why}") from error
    if not isinstance(value, dict):
        raise BadInputError("it is no JSON object")
    if not isinstance(value.get("schema_version"), str):
        raise BadInputError("it is no ATIF document: schema_version is missing")
    try:
        judged = atif.Trajectory.model_validate(value)
    except ValidationError as error:
        # Of the branches of a union the one that got furthest says most.
        first = max(error.errors(), key=lambda found: len(found["loc"]))
        where = ".".join(str(part) for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BadInputError(f"{where + ': ' if where else ''}{first['msg']}"[:300] + more) from error
    except (RecursionError, ValueError) as error:
        raise BadInputError(f"it cannot be read: {error}"[:300]) from error
    try:
        return decode(msgspec.json.encode(judged.to_json_dict()))
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise BadInputError(f"{doubt or error}"[:300]) from error


def _doubt(found: Trajectory, embedded: bool = False) -> str:
    """What the rules of ATIF beyond its types might say; empty when nothing."""
    if embedded and found.trajectory_id is None:
        return "a sub-agent has no trajectory_id"
    for index, step in enumerate(found.steps, 1):
        if step.step_id != index:
            return "step_ids are not sequential"
        problem = _step_doubt(step)
        if problem:
            return problem
    subs = found.subagent_trajectories
    if subs:
        if len({sub.trajectory_id for sub in subs}) != len(subs):
            return "two sub-agents have one trajectory_id"
        for sub in subs:
            problem = _doubt(sub, embedded=True)
            if problem:
                return problem
    return ""


def _step_doubt(step: Step) -> str:
    if step.source == "agent":
        if step.llm_call_count == 0 and (step.metrics or step.reasoning_content is not None):
            return "a step without a model call has metrics or reasoning"
    elif (
        step.model_name is not None
        or step.reasoning_effort is not None
        or step.reasoning_content is not None
        or step.tool_calls is not None
        or step.metrics is not None
    ):
        return "a field is only for agents' steps"
    if step.llm_call_count is not None and step.llm_call_count < 0:
        return "llm_call_count is negative"
    if step.timestamp is not None and not _is_stamp(step.timestamp):
        return "a timestamp is not ISO 8601"
    if not isinstance(step.message, str) and not all(map(_is_part, step.message)):
        return "a part of a message is wrong"
    if step.observation is not None:
        ids = None if step.tool_calls is None else {call.tool_call_id for call in step.tool_calls}
        for result in step.observation.results:
            if ids is not None and result.source_call_id is not None and result.source_call_id not in ids:
                return "a result refers to no call"
            if isinstance(result.content, list) and not all(map(_is_part, result.content)):
                return "a part of a result is wrong"
            if result.subagent_trajectory_ref:
                return "references are for atif to judge"
    return ""


def _is_stamp(text: str) -> bool:
    if not _STAMP.match(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_part(part: Part) -> bool:
    """True for what is surely right; audio is left to `atif`."""
    if part.type == "text":
        return part.text is not None and part.source is None
    return (
        part.type == "image"
        and part.text is None
        and part.source is not None
        and (part.source.media_type in _IMAGES and part.source.duration_sec is None)
    )


def _completed(found: Trajectory) -> Trajectory:
    """With our fields read, checked and filled in."""
    given = _ours(found.extra)
    version = given.get("v", OUR_VERSION)
    if isinstance(version, int) and version > OUR_VERSION:
        raise BadInputError(f"extra.skillclaw has format {version}; upgrade needed to read it")
    try:
        known = meta(found)
        _check_inner(found)
    except msgspec.ValidationError as error:
        raise BadInputError(f"extra.skillclaw: {error}") from error
    if known.kind == "evolver":
        raise BadInputError("it is what an author of skills did, from which nothing is learned")
    key = known.key if re.fullmatch(r"[0-9a-f]{16}", known.key) else ""
    known = msgspec.structs.replace(known, key=key or _key(found), source="import", client="")
    return with_meta(found, known)


def _check_inner(found: Trajectory) -> None:
    """Our fields inside, so that nobody meets a wrong one later; msgspec.ValidationError says which."""
    for step in found.steps:
        if step.extra:
            _ours(step.extra)
            step_meta(step)
        for call in step.tool_calls or ():
            if call.extra:
                _ours(call.extra)
                call_meta(call)
        for result in step.observation.results if step.observation else ():
            if result.extra:
                _ours(result.extra)
                result_meta(result)
    for sub in found.subagent_trajectories or ():
        _ours(sub.extra)
        meta(sub)
        _check_inner(sub)


def _ours(extra: dict[str, Any] | None) -> dict[str, Any]:
    given = (extra or {}).get("skillclaw", {})
    if not isinstance(given, dict):
        raise BadInputError(f"extra.skillclaw: expected an object, got {type(given).__name__}")
    return given


def _key(found: Trajectory) -> str:
    native = found.session_id or found.trajectory_id
    return session_key(found.agent.name, native or hashlib.sha256(encode(found)).hexdigest())


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _place(body: bytes) -> str:
    """Where the JSON breaks, for people."""
    import json

    try:
        json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        return str(error)
    return "it holds text that is not UTF-8"
