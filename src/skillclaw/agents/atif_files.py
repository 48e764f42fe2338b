"""ATIF files: one JSON document (object or array) or JSONL, plain, gzip or zstd.

JSONL is streamed: memory does not grow with the file. Each document is decoded by msgspec and checked by
the rules that ATIF adds (atif_rules.py); what fails there is read once more, leniently, and the reason of
that is told.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.agents.atif_rules import broken_rule, judged
from skillclaw.agents.history import lines
from skillclaw.agents.records import AtifItem
from skillclaw.errors import BadInputError
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import (
    SESSION_FORMAT,
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
        sure = not broken_rule(found)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        sure = False
    if not sure:
        found = _judged(data)
    if not found.steps:
        raise BadInputError("the session has no steps")
    return _completed(found)


def _judged(data: bytes) -> Trajectory:
    """What it is once types are taken leniently; asked only where the fast way is in doubt."""
    try:
        value = lines.json_value(data)
    except BadInputError as error:
        raise BadInputError(f"not JSON: {error.why}") from error
    if not isinstance(value, dict):
        raise BadInputError("it is no JSON object")
    if not isinstance(value.get("schema_version"), str):
        raise BadInputError("it is no ATIF document: schema_version is missing")
    try:
        found = judged(value)
        encode(found)  # what came leniently is written down later
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise BadInputError(f"it cannot be read: {error}"[:300]) from error
    return found


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
    return with_meta(_with_own_ids(found), known)


def _with_own_ids(found: Trajectory) -> Trajectory:
    """Calls whose ids are unique in one answer alone ("call_0") get one of their own, as the wire names them,
    and so do their results: as they are told, each answers the last call with its id."""
    seen: set[str] = set()
    latest: dict[str, str] = {}
    steps = []
    for step in found.steps:
        calls = []
        for call in step.tool_calls or ():
            own, number = call.tool_call_id, 1
            while own in seen:
                number += 1
                own = f"{call.tool_call_id}-{number}"
            seen.add(own)
            latest[call.tool_call_id] = own
            calls.append(call if number == 1 else msgspec.structs.replace(call, tool_call_id=own))
        observed = step.observation
        if observed is not None and any(
            latest.get(o := r.source_call_id or "", o) != o for r in observed.results
        ):
            renamed = [
                msgspec.structs.replace(
                    r, source_call_id=latest.get(r.source_call_id or "", r.source_call_id)
                )
                for r in observed.results
            ]
            observed = msgspec.structs.replace(observed, results=renamed)
        steps.append(msgspec.structs.replace(step, tool_calls=calls or step.tool_calls, observation=observed))
    inner = [_with_own_ids(sub) for sub in found.subagent_trajectories or ()]
    return msgspec.structs.replace(
        found, steps=steps, subagent_trajectories=inner or found.subagent_trajectories
    )


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
