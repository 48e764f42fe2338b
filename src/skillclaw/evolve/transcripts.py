"""What autonomous authors did, kept beside the sessions: `<home>/evolver/sessions.db` (docs/formats.md).

A transcript is a session of its own kind: an ATIF trajectory with `kind: evolver`, redacted like any other,
in a store of its own. Mining, sharing, counting and exporting read the store of the sessions, so that no
author ever learns from what authors did. An import refuses it by its kind. Transcripts quote sessions: when
one of those is forgotten, they all go.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from skillclaw.errors import StorageError
from skillclaw.journal.store import SessionStore
from skillclaw.private import private_folder
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import Part, Result, Step, ToolCall, Trajectory, meta, with_meta

if TYPE_CHECKING:
    from skillclaw.gate.context import Masker

__all__ = ["AUTHOR", "KEPT", "forget_transcripts", "keep", "transcripts"]

AUTHOR = "skillclaw"
"""Name of the agent in a transcript."""
KEPT = 200
"""Transcripts that are kept of one home; older ones go."""
_FOLDER = "evolver"
Mask = Callable[[str], str]


@contextmanager
def transcripts(home: Path) -> Iterator[SessionStore | None]:
    """The transcripts of a home; None where there are none yet."""
    if not (home / _FOLDER / "sessions.db").exists():
        yield None
        return
    with closing(SessionStore(home / _FOLDER)) as store:
        yield store


def keep(home: Path, transcript: Trajectory, masker: Masker) -> str:
    """Store what an author did, redacted; gives its key. The oldest beyond `KEPT` go. Raises StorageError."""
    counts: Counter[str] = Counter()
    steps = [_masked(step, masker, counts) for step in transcript.steps]
    known = msgspec.structs.replace(
        meta(transcript),
        key=session_key(AUTHOR, transcript.session_id or ""),
        kind="evolver",
        source="import",
        masked=dict(sorted(counts.items())),
    )
    redacted = with_meta(
        msgspec.structs.replace(transcript, steps=steps, notes=_text(transcript.notes or "", masker, counts)),
        known,
    )
    private_folder(home / _FOLDER)
    with closing(SessionStore(home / _FOLDER)) as store:
        store.put(redacted)
        old = [row.id for row in store.rows()[KEPT:]]
        if old:
            store.forget(*old)
    return known.key


def forget_transcripts(home: Path) -> None:
    """Delete all transcripts of a home: any of them may quote a session that was forgotten."""
    folder = home / _FOLDER
    try:
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(
            f"Cannot delete {folder}.", str(error), "Delete it yourself: it holds parts of sessions."
        ) from error


def _text(text: str, masker: Masker, counts: Counter[str]) -> str:
    masked, found = masker.text(text)
    counts.update(found)
    return masked


def _masked(step: Step, masker: Masker, counts: Counter[str]) -> Step:
    def mask(text: str) -> str:
        return _text(text, masker, counts)

    message = step.message if isinstance(step.message, str) else _said(step.message)
    observation = step.observation
    if observation is not None:
        results = [_result(result, mask) for result in observation.results]
        observation = msgspec.structs.replace(observation, results=results)
    return msgspec.structs.replace(
        step,
        message=mask(message),
        reasoning_content=mask(step.reasoning_content) if step.reasoning_content is not None else None,
        tool_calls=[_call(call, mask) for call in step.tool_calls] if step.tool_calls is not None else None,
        observation=observation,
    )


def _said(parts: list[Part]) -> str:
    return "\n".join(part.text for part in parts if part.text)


def _result(result: Result, mask: Mask) -> Result:
    content = result.content if isinstance(result.content, str) else _said(result.content or [])
    return msgspec.structs.replace(result, content=mask(content))


def _call(call: ToolCall, mask: Mask) -> ToolCall:
    return msgspec.structs.replace(call, arguments=_value(call.arguments, mask))


def _value(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_value(inner, mask) for inner in value]
    if isinstance(value, dict):
        return {name: _value(inner, mask) for name, inner in value.items()}
    return value
