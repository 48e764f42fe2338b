"""Which sessions leave as traces, in which form; and on the way, to a collector or into a file."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from msgspec.structs import replace

from skillclaw.errors import BadInputError, StorageError, UsageError
from skillclaw.evolve.models.places import is_own_machine
from skillclaw.server.otlp.content import Content, Excerpts
from skillclaw.server.otlp.places import Collector, collector, is_url, resource
from skillclaw.server.otlp.spans import Span, spans_of
from skillclaw.server.sharing.reasons import withheld
from skillclaw.settings import stop_at_unknown
from skillclaw.trajectory import model
from skillclaw.trajectory.model import EXTRA_KEY, Record, Trajectory

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["Exported", "Which", "export_traces"]

Which = Literal["shared", "own"]
"""Which sessions go: those that the rules of sharing let out; all of the user's own but those marked
`never`."""
SPANS = 512
"""Spans of one request at most (the SDKs' batch)."""
BYTES = 2 << 20
"""Bytes of texts in one request, about; collectors take 4 MB at least."""


class Exported(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`sessions export --otlp --json`.

    traces, spans: what was delivered; requests: in how many requests or lines; refused: spans that the
    collector said it did not take, and why in `reason`; withheld: sessions that stayed, by the reason;
    timeless: sessions without any time, of which no trace can be made; target: where it went; open: whether
    that was to another machine, without encryption.
    """

    target: str
    traces: int = 0
    spans: int = 0
    requests: int = 0
    refused: int = 0
    reason: str = ""
    withheld: dict[str, int] = {}
    timeless: int = 0
    open: bool = False


def export_traces(
    machine: Machine,
    target: str,
    *,
    named: Iterable[str] = (),
    which: Which = "shared",
    content: bool = False,
    since: int | None = None,
) -> Exported:
    """Send the sessions of this machine to the collector at the URL `target`, or write them into that file
    (`-`: standard output). `named`: these alone, by how their ids begin, all of which must be allowed to go;
    `since`: those that began within so many days; `content`: with excerpts of what was said.

    UsageError for a target that is none; StorageError where the collector or the disk does not take them.
    What was delivered before stays delivered; the same ids come with the next export.
    """
    stop_at_unknown(machine.home, machine.environ, ("share", "redact"))
    to = collector(target, machine.environ) if is_url(target) else None
    if to is None and "://" in target:
        raise UsageError(
            "That is no URL of a collector.",
            "It is neither http nor https.",
            "OTLP goes over HTTP: port 4318.",
        )
    about = resource(machine.environ)
    machine.renew_redactor()
    keys, stay = _chosen(machine, list(named), which, since)
    bare = to is not None and not to.encrypted and not is_own_machine(to.url)
    done = Exported(target=to.shown if to else target, withheld=stay, open=bare)
    return asyncio.run(_Run(machine, about, content).all(keys, target, to, done))


def _chosen(
    machine: Machine, named: list[str], which: Which, since: int | None
) -> tuple[list[str], dict[str, int]]:
    """The keys of the sessions that go, in order of time, and how many stay by the reason."""
    if named:
        keys = [model.meta(machine.sessions.get(one)).key for one in named]
        rows = [row for key in dict.fromkeys(keys) for row in machine.sessions.rows(key=key)]
    else:
        rows = machine.sessions.rows(native=False)
        if since is not None:
            first = (datetime.now(UTC) - timedelta(days=since)).strftime("%Y-%m-%dT%H:%M:%S")
            rows = [row for row in rows if row.started >= first]
    reasons = withheld(machine, rows, own=which == "own")
    if named and (stays := [(row.id, reasons[row.id]) for row in rows if reasons[row.id]]):
        raise BadInputError(
            f"Session {stays[0][0]} stays here.",
            f"{stays[0][1][:1].upper()}{stays[0][1][1:]}.",
            "What may go: skillclaw share status. All that is your own: --which own",
        )
    goes = sorted((row.started, row.id) for row in rows if not reasons[row.id])
    return [key for _, key in goes], dict(Counter(reason for reason in reasons.values() if reason))


class _Run:
    """One export."""

    def __init__(self, machine: Machine, about: dict[str, str], content: bool) -> None:
        self.machine = machine
        self.about = about
        self.content = content
        self.timeless = 0

    async def all(self, keys: list[str], target: str, to: Collector | None, done: Exported) -> Exported:
        from skillclaw.server.otlp import encoding

        batches = _batches(self._traces(keys))
        if to is None:
            with _opened(target) as file:
                for spans, ended in batches:
                    file.write(encoding.as_json(spans, self.about) + b"\n")
                    done = _added(done, spans, ended)
            return replace(done, timeless=self.timeless)
        from skillclaw.server.otlp.sending import Sender

        encode = encoding.as_json if to.json else encoding.as_protobuf
        async with Sender(to) as sender:
            for spans, ended in batches:
                try:
                    answer = await sender.send(encode(spans, self.about))
                except StorageError as error:
                    if done.requests:
                        error.why += f" Before that it took {done.spans} spans."
                    raise
                refused, reason = encoding.refused(answer, json=to.json)
                done = _added(done, spans, ended)
                done = replace(done, refused=done.refused + refused, reason=reason[:200] or done.reason)
        return replace(done, timeless=self.timeless)

    def _traces(self, keys: Iterable[str]) -> Iterator[list[Span]]:
        for key in keys:
            try:
                stored = self.machine.sessions.get(key)
            except BadInputError:
                continue  # it was forgotten meanwhile
            found = spans_of(self._masked(stored), Excerpts() if self.content else Content())
            if found:
                yield found
            else:
                self.timeless += 1

    def _masked(self, stored: Trajectory) -> Trajectory:
        """As it would leave for a group's hub that lists no hosts; without `content` there is nothing said in
        it at all."""
        from skillclaw.journal.border import outgoing  # what masks takes a while to load

        given = stored if self.content else _silent(stored)
        body = outgoing(given, self.machine.redactor, client_key=self.machine.identity.key).body
        return model.decode(body)


def _silent(session: Trajectory) -> Trajectory:
    """The session without anything that was said, asked or answered in it."""
    steps = []
    for step in session.steps:
        calls = [replace(call, arguments={}, extra=None) for call in step.tool_calls or ()]
        results = step.observation.results if step.observation else []
        seen = [replace(one, content=None, extra=_own(one.extra)) for one in results]
        steps.append(
            replace(
                step,
                message="",
                reasoning_content=None,
                tool_calls=calls or None,
                observation=model.Observation(results=seen) if seen else None,
                extra=_own(step.extra),
            )
        )
    subs = session.subagent_trajectories
    return replace(
        session,
        steps=steps,
        notes=None,
        agent=replace(session.agent, tool_definitions=None, extra=None),
        subagent_trajectories=None if subs is None else [_silent(sub) for sub in subs],
    )


def _own(extra: dict[str, object] | None) -> dict[str, object] | None:
    ours = (extra or {}).get(EXTRA_KEY)
    return None if ours is None else {EXTRA_KEY: ours}


def _batches(traces: Iterable[list[Span]]) -> Iterator[tuple[list[Span], int]]:
    """Spans for one request each, and how many traces end with it. A trace is cut only where it is too
    large for one."""
    batch: list[Span] = []
    size = ended = 0
    for trace in traces:
        total = sum(map(_size, trace))
        if batch and (len(batch) + len(trace) > SPANS or size + total > BYTES):
            yield batch, ended
            batch, size, ended = [], 0, 0
        for span in trace:
            if batch and (len(batch) >= SPANS or size + _size(span) > BYTES):
                yield batch, ended
                batch, size, ended = [], 0, 0
            batch.append(span)
            size += _size(span)
        ended += 1
    if batch:
        yield batch, ended


def _size(span: Span) -> int:
    return 200 + sum(len(one) for one in span.attributes.values() if isinstance(one, str))


def _added(done: Exported, spans: list[Span], ended: int) -> Exported:
    return replace(
        done, traces=done.traces + ended, spans=done.spans + len(spans), requests=done.requests + 1
    )


@contextmanager
def _opened(target: str) -> Iterator[BinaryIO]:
    from skillclaw.private import whole_file

    if target == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(target).expanduser()
    try:
        with whole_file(path) as file:
            yield file
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Choose another file.") from error
