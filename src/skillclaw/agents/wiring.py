"""Connect and disconnect as whole flows: plan, record, write; the same for every agent."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from skillclaw.agents import connections, edits
from skillclaw.agents.records import Adapter, Connection, Env, FileEdit, replace_pending
from skillclaw.trajectory.model import Record

__all__ = ["Wired", "connect", "disconnect"]


class Wired(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What connecting or disconnecting did, or with `dry_run` would do.

    changed   False when there was nothing to do
    files     settings files touched
    upstream  where the agent's prefix forwards to
    diff      the change as a unified diff, without credentials
    notes     what the user should know
    """

    agent: str
    changed: bool
    files: list[str]
    upstream: str
    diff: str
    notes: list[str] = []


def connect(
    home: Path, env: Env, adapter: Adapter, base_url: str, *, token: str = "", dry_run: bool = False
) -> Wired:
    """Point an agent at `base_url`, e.g. `http://127.0.0.1:8787/claude-code`; `token` becomes its key.

    Again with the same URL: nothing to do. With another one (the port changed): only the URL changes, the
    original and the user's own upstream stay known. What the user changed between is kept either way.
    """
    # First without a lock: what cannot be done leaves nothing behind, nor does a dry run.
    planned = _connect(home, env, adapter, base_url, token=token, dry_run=True)
    if dry_run:
        return planned
    with connections.alone(home):
        return _connect(home, env, adapter, base_url, token=token, dry_run=False)


def _connect(home: Path, env: Env, adapter: Adapter, base_url: str, *, token: str, dry_run: bool) -> Wired:
    record = connections.connection(home, adapter.name)
    undo = adapter.disconnect(env, record) if record else []
    plan = adapter.connect(replace_pending(env, {e.path: e.after for e in undo}), base_url, token)
    upstream = plan.upstream or adapter.default_upstream
    # What is really on disk: an undone and newly made change is one change for the reader and for the file.
    planned = {e.path: e for e in plan.edits}
    real = [msgspec.structs.replace(e, before=env.read_bytes(e.path)) for e in plan.edits]
    # A file that needs no change any more is put back, and remembered until that is done.
    rest = [e for e in undo if e.path not in planned]
    real += rest
    kept = [*plan.edits, *(msgspec.structs.replace(e, before=e.after, changes=[]) for e in rest)]
    changed = [e for e in real if e.before != e.after]
    wired = Wired(
        agent=adapter.name,
        changed=bool(changed),
        files=[str(e.path) for e in changed],
        upstream=upstream,
        diff=edits.diff(changed),
        notes=plan.notes,
    )
    if dry_run:
        return wired
    made = Connection(
        agent=adapter.name,
        base_url=base_url,
        upstream=plan.upstream,
        files=connections.written_files(kept, {e.path: e.before for e in real}),
        since=record.since if record else _now(),
    )
    if changed or _bare(made) != _bare(record):
        _recorded(home, adapter.name, made, record, changed)
    return wired


def disconnect(home: Path, env: Env, adapter: Adapter, *, dry_run: bool = False) -> Wired:
    """Put the agent's settings back; what the user changed since stays."""
    if dry_run or connections.connection(home, adapter.name) is None:
        return _disconnect(home, env, adapter, dry_run=True)
    with connections.alone(home):
        return _disconnect(home, env, adapter, dry_run=False)


def _disconnect(home: Path, env: Env, adapter: Adapter, *, dry_run: bool) -> Wired:
    record = connections.connection(home, adapter.name)
    undo = adapter.disconnect(env, record) if record else []
    if record is not None and not dry_run:
        edits.apply(undo, back=True)
        connections.forget_connection(home, adapter.name)
    return Wired(
        agent=adapter.name,
        changed=record is not None,
        files=[str(e.path) for e in undo],
        upstream=(record.upstream if record else None) or adapter.default_upstream,
        diff=edits.diff(undo),
    )


def _recorded(
    home: Path, name: str, made: Connection, before: Connection | None, changed: list[FileEdit]
) -> None:
    """Record first, then write: a crash between leaves a record that undoes to nothing."""
    connections.record_connection(home, made)
    try:
        edits.apply(changed)
    except Exception:
        if before is None:
            connections.forget_connection(home, name)
        else:
            connections.record_connection(home, before)
        raise


def _bare(record: Connection | None) -> Connection | None:
    if record is None:
        return None
    files = [msgspec.structs.replace(file, backup=None, stood="") for file in record.files]
    return msgspec.structs.replace(record, files=files)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
