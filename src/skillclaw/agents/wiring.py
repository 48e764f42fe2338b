"""Connect and disconnect as whole flows: plan, record, write; the same for every agent."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from skillclaw.agents import connections, edits, nested
from skillclaw.agents.records import (
    Adapter,
    Connection,
    Env,
    FileEdit,
    Surroundings,
    located,
    placed,
    replace_pending,
)
from skillclaw.agents.undo import restore
from skillclaw.agents.urls import is_named, shown, without_urls
from skillclaw.errors import SkillClawError
from skillclaw.trajectory.model import Record

__all__ = ["Wired", "connect", "disconnect", "own_upstream", "remembered"]


class Wired(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What connecting or disconnecting did, or with `dry_run` would do.

    changed   False when there was nothing to do
    files     settings files touched
    upstream  where the agent's prefix forwards to, without credentials
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
    home: Path,
    env: Env,
    adapter: Adapter,
    base_url: str,
    *,
    token: str = "",
    dry_run: bool = False,
    again: bool = False,
) -> Wired:
    """Point an agent at `base_url`, e.g. `http://127.0.0.1:8787/claude-code`; `token` becomes its key.

    Again with the same URL: nothing to do. With another one (the port changed): only the URL changes, the
    original and the user's own upstream stay known. What the user changed between is kept either way.

    An upstream that the environment gave stays until it gives another one, the settings change theirs, or the
    user disconnects the agent. `again`: the user asked for it earlier, so the base URLs of the environment of
    then count, and those of this one do not; and where this one does not say where the agent's files are,
    they are where the one of then said. Within a `skillclaw run` it gives what its URLs lead to.
    """
    env = nested.outside(home, env)
    if again and (known := connections.surroundings(home).get(adapter.name)):
        env = placed(env, known.places)
    # First without a lock: what cannot be done leaves nothing behind, nor does a dry run.
    planned = _connect(home, env, adapter, base_url, token=token, dry_run=True, again=again)
    if dry_run:
        return planned
    with connections.alone(home):
        return _connect(home, env, adapter, base_url, token=token, dry_run=False, again=again)


def _connect(
    home: Path, env: Env, adapter: Adapter, base_url: str, *, token: str, dry_run: bool, again: bool
) -> Wired:
    record = connections.connection(home, adapter.name)
    undo = adapter.disconnect(env, record) if record else []
    places: dict[str, str] = {}
    seen = located(replace_pending(env, {e.path: e.after for e in undo}), places)
    plan = adapter.connect(seen, base_url, token)
    known = connections.surroundings(home).get(adapter.name)
    before = known or _of_old(record)
    given, alone = _given(seen, adapter, base_url, token, plan.upstream or "", before, again=again)
    told = Surroundings(upstream=given, settings=alone if given else "", places=places)
    upstream = given or alone or None
    notes = [*plan.notes]
    goes_on = f"it goes on to {shown(upstream or adapter.default_upstream)}, as when you connected it."
    if plan.upstream and plan.upstream not in (upstream, alone):
        text = f"This environment names {shown(plan.upstream)};"
        notes.append(f"{text} {goes_on} To change that: skillclaw connect {adapter.name}")
    elif given and given != plan.upstream:
        text = "No base URL is given here;"
        notes.append(f"{text} {goes_on} To end that: skillclaw disconnect {adapter.name}")
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
        upstream=shown(upstream or adapter.default_upstream),
        diff=edits.diff(changed),
        notes=notes,
    )
    if dry_run:
        return wired
    made = Connection(
        agent=adapter.name,
        base_url=base_url,
        upstream=upstream,
        files=connections.written_files(kept, undo, {e.path: e.before for e in real}),
        since=record.since if record else _now(),
    )
    if changed or _bare(made) != _bare(record) or told != known:
        _recorded(home, made, told, record, changed)
    return wired


def disconnect(home: Path, env: Env, agent: Adapter | str, *, dry_run: bool = False) -> Wired:
    """Put the agent's settings back; what the user changed since stays.

    `agent` is its name alone where its plugin is gone: then what was written is undone by its record.
    """
    name = agent if isinstance(agent, str) else agent.name
    if dry_run or connections.connection(home, name) is None:
        return _disconnect(home, env, name, agent, dry_run=True)
    with connections.alone(home):
        return _disconnect(home, env, name, agent, dry_run=False)


def _disconnect(home: Path, env: Env, name: str, agent: Adapter | str, *, dry_run: bool) -> Wired:
    record = connections.connection(home, name)
    by, usual = (restore, "") if isinstance(agent, str) else (agent.disconnect, agent.default_upstream)
    undo = by(env, record) if record else []
    if record is not None and not dry_run:
        edits.apply(undo, back=True)
        connections.forget_connection(home, name)
    return Wired(
        agent=name,
        changed=record is not None,
        files=[str(e.path) for e in undo],
        upstream=shown((record.upstream if record else None) or usual),
        diff=edits.diff(undo),
        notes=_left(env, record, undo) if record is not None else [],
    )


def _left(env: Env, record: Connection, undo: list[FileEdit]) -> list[str]:
    """Where SkillClaw's URL stands still: in a copy that the user made of an entry, or where nobody finds
    what was there before."""
    after = {edit.path: edit.after for edit in undo}
    paths = [Path(file.path) for file in record.files]
    url = re.compile(re.escape(record.base_url.encode()) + rb"(?![\w.-])")
    return [
        f"{record.base_url} stands in {path} still, where SkillClaw did not write it. Take it out by hand."
        for path in paths
        if url.search((after[path] if path in after else env.read_bytes(path)) or b"")
    ]


def _given(
    env: Env,
    adapter: Adapter,
    base_url: str,
    token: str,
    upstream: str,
    known: Surroundings | None,
    *,
    again: bool,
) -> tuple[str, str]:
    """The base URL that the environment gives, else the one that it gave when the settings named the same as
    now, empty where the settings decide; and what the settings alone name.

    With `again` the environment of then decides alone, where it is known.
    """
    if not upstream and not (known and known.upstream):
        return "", ""
    try:
        alone = adapter.connect(without_urls(env, upstream), base_url, token).upstream or ""
    except SkillClawError:  # the settings are made from variables
        return "", upstream
    then = known.upstream if known and known.settings == alone else ""
    if again and known:
        return then, alone
    if upstream != alone:
        return upstream, alone
    return "" if is_named(env, upstream) else then, alone


def own_upstream(home: Path, env: Env, adapter: Adapter) -> str:
    """Where the agent would send its requests in this environment if it were not connected; empty where it
    does not say. Raises SkillClawError where that cannot be told.

    Within a program that goes through SkillClaw that is where it goes.
    """
    env = nested.outside(home, env, connections.connected_upstreams(home))
    nested.refuse_lost(env, adapter)
    record = connections.connection(home, adapter.name)
    undo = adapter.disconnect(env, record) if record else []
    return adapter.upstream(replace_pending(env, {edit.path: edit.after for edit in undo}))


def remembered(env: Env, adapter: Adapter, known: Surroundings | None) -> str:
    """Where an agent's requests go by what the environment told when it was connected, else by its settings
    alone: another environment's base URLs are none of its. Raises SkillClawError."""
    if known and known.upstream:
        return known.upstream
    found = adapter.upstream(env)
    try:
        return adapter.upstream(without_urls(env, found))
    except SkillClawError:  # the settings are made from variables
        return found


def _of_old(record: Connection | None) -> Surroundings | None:
    """What the environment gave, by a record of versions that did not note it: no setting had a URL."""
    if record is None:
        return None
    urls = [change for file in record.files for change in file.changes if change.new == record.base_url]
    named = any(change.had for change in urls)
    return Surroundings(upstream="" if named else record.upstream or "")


def _recorded(
    home: Path, made: Connection, told: Surroundings, before: Connection | None, changed: list[FileEdit]
) -> None:
    """Record first, then write: a crash between leaves a record that undoes to nothing."""
    known = connections.surroundings(home).get(made.agent)
    connections.record_connection(home, made, told)
    try:
        edits.apply(changed)
    except Exception:
        if before is None:
            connections.forget_connection(home, made.agent)
        else:
            connections.record_connection(home, before)
        connections.note_surroundings(home, made.agent, known)
        raise


def _bare(record: Connection | None) -> Connection | None:
    if record is None:
        return None
    files = [msgspec.structs.replace(file, backup=None, stood="") for file in record.files]
    return msgspec.structs.replace(record, files=files)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
