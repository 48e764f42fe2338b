"""Recorded exchanges -> sessions.

Exchanges are decoded, told apart by agent and session, and put together: one ATIF trajectory per root
session, its sub-agents inside. An exchange with no session id belongs to the conversation that it extends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from skillclaw.journal.decoding import Decoder
from skillclaw.journal.finding import Finder, Seen, Session, Spot
from skillclaw.journal.records import Exchange
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    FinalMetrics,
    Observation,
    SessionMeta,
    Step,
    SubagentRef,
    Trajectory,
    step_meta,
    text_of,
    with_meta,
)
from skillclaw.trajectory.projects import is_home, path_of
from skillclaw.trajectory.skilluse import skills_seen
from skillclaw.wire.chain import Chains
from skillclaw.wire.once import Prints
from skillclaw.wire.records import Decoded, Identity, Unread
from skillclaw.wire.routes import shown_path
from skillclaw.wire.steps import build_steps
from skillclaw.wire.thread import Thread

__all__ = ["Assembled", "assemble", "assemble_placed"]

SUB_SESSION = re.compile(r"\[SESSION: (sub-[0-9a-f]{4,64})\]")
VERSION = re.compile(r"/v?(\d[\w.+-]*)")
# Libraries that agents speak with: their version is not the agent's.
LIBRARY = re.compile(
    r"(?i)(?:ai-sdk|litellm|openai|anthropic|undici|axios|node|bun|python-\w+|google-\w+)[/ ]"
)


class Assembled(NamedTuple):
    """A session, the place of its first exchange among those given (from 0), when the last one ended, the
    working directory that the agent told, and the places of all its exchanges."""

    trajectory: Trajectory
    first: int
    last: float
    cwd: str
    places: list[int]


def assemble(exchanges: Iterable[Exchange]) -> list[Trajectory]:
    """One trajectory per (agent, root session), sorted by key; every message, call and result once.

    Give it all exchanges that are still kept of a session: a session whose beginning has expired is built
    from what its later requests re-sent, without times and token counts, and `merge` keeps the fuller form.
    What is no conversation (model lists, token counts, quota probes alone) gives nothing.
    """
    return [one.trajectory for one in assemble_placed(exchanges)]


def assemble_placed(
    exchanges: Iterable[Exchange],
    on_unread: Callable[[int, Exchange, Unread], None] | None = None,
    decoder: Decoder | None = None,
) -> list[Assembled]:
    """The same, with where in `exchanges` each session begins and when (Unix seconds) it ends.

    What talks to an LLM but cannot be read is told to `on_unread` with its place among those given. Who asks
    again and again gives the same `decoder`, which knows what it decoded before.
    """
    decoder = decoder or Decoder()
    seen = _adopted(_decoded(exchanges, on_unread, decoder))
    prints = Prints(decoder.prints)
    sessions: dict[tuple[str, str], Session] = {}
    finder = Finder(sessions, prints)
    finder.expect(seen)
    has_tools = {
        (one.agent, one.decoded.identity.root)
        for one in seen
        if one.decoded.identity is not None and one.decoded.tools
    }
    counts: list[Seen] = []
    for one in seen:
        if one.decoded.kind == "count":
            counts.append(one)
            continue
        identity = one.decoded.identity
        if identity is None:
            spot = finder.find(one)
            if spot is None:
                continue
            identity = spot.identity
        else:
            fresh = Session(one.agent, identity.root, one.place)
            spot = Spot(sessions.setdefault((one.agent, identity.root), fresh), identity.thread)
        session = spot.session
        session.first = min(session.first, one.place)
        session.last = max(session.last, one.finished)
        session.places.append(one.place)
        _take(session, identity, one, prints, toolless=(one.agent, identity.root) in has_tools)
        finder.remember(spot, one)
    _adopt(sessions)
    for one in counts:
        named = one.decoded.identity and sessions.get((one.agent, one.decoded.identity.root))
        if named:
            named.places.append(one.place)
    built = [(_trajectory(session), session) for session in sessions.values()]
    found = [Assembled(t, s.first, s.last, s.cwd, s.places) for t, s in built if t is not None]
    return sorted(found, key=lambda one: (one.trajectory.agent.name, one.trajectory.session_id or ""))


def _decoded(
    exchanges: Iterable[Exchange],
    on_unread: Callable[[int, Exchange, Unread], None] | None,
    decoder: Decoder,
) -> list[Seen]:
    """In order of time."""
    seen: list[Seen] = []
    for place, exchange, found in decoder.decoded(exchanges):
        unread = found
        if isinstance(found, Decoded):
            finished = exchange.finished or exchange.started
            seen.append(Seen(place, exchange.agent, exchange.started, finished, found))
            unread = Unread(reason=found.unread, path=shown_path(exchange.path)) if found.unread else None
        if isinstance(unread, Unread) and on_unread is not None:
            on_unread(place, exchange, unread)
    seen.sort(key=lambda one: (one.started, one.finished))
    chains = Chains((one.agent, one.decoded.previous) for one in seen if one.decoded.previous)
    for one in seen:
        one.decoded = chains.whole(one.agent, one.decoded)
    return seen


def _adopted(seen: list[Seen]) -> list[Seen]:
    """Sub-agents that know the one that started them by its name only get their session from its requests.

    One whose parent was not seen stays a session of its own.
    """
    named: dict[tuple[str, str], Identity] = {}
    adopted: dict[tuple[str, str], Identity] = {}
    for one in seen:
        own = one.decoded.identity
        if own is None or not own.key:
            continue
        parent = named.get((one.agent, own.parent_key)) if own.parent_key else None
        known = adopted.get((one.agent, own.thread))
        if known is None and parent is not None and parent.thread != own.thread:
            known = msgspec.structs.replace(own, root=parent.root, parent=parent.thread, is_subagent=True)
            adopted[(one.agent, own.thread)] = known
        if known is not None:
            one.decoded = msgspec.structs.replace(one.decoded, identity=known)
        named[(one.agent, own.key)] = known or own
    return seen


def _take(session: Session, identity: Identity, one: Seen, prints: Prints, *, toolless: bool) -> None:
    decoded = one.decoded
    if not session.seen:
        session.seen.append(decoded)
    thread = _thread(session, identity, decoded, prints)
    kind = decoded.kind
    if kind == "turn" and not decoded.tools and toolless and not thread.extends(decoded):
        # The session has tools and this request has none: titles, summaries, checks of the host.
        kind = "side"
    if kind == "count":
        return
    thread.add(decoded, kind, one.started, one.finished)
    if kind == "turn" and not thread.is_subagent:
        session.cwd = session.cwd or decoded.cwd
        session.model = decoded.model or session.model
        session.tools = decoded.tools if len(decoded.tools) >= len(session.tools) else session.tools
        session.env = {**decoded.env, **session.env}
    found = None if LIBRARY.match(decoded.agent) else VERSION.search(decoded.agent)
    if found:
        session.version = found[1]


def _thread(session: Session, identity: Identity, decoded: Decoded, prints: Prints) -> Thread:
    known = session.threads.get(identity.thread)
    if known is None:
        known = Thread(identity.thread, identity.parent, identity.is_subagent, prints)
        session.threads[identity.thread] = known
        return known
    if decoded.kind != "turn" or not known.foreign(decoded):
        return known
    # Another conversation under the same id: a helper of the host that says nothing about itself.
    number = 2
    while True:
        name = f"{identity.thread}#{number}"
        inner = session.threads.get(name)
        if inner is None:
            inner = Thread(name, identity.thread, True, prints)
            session.threads[name] = inner
            return inner
        if not inner.foreign(decoded):
            return inner
        number += 1


def _adopt(sessions: dict[tuple[str, str], Session]) -> None:
    """Put sub-agents with an id of their own into the session whose result names them (QwenPaw)."""
    for (agent, root), session in list(sessions.items()):
        for name, thread in list(session.threads.items()):
            for entry in thread.entries:
                if entry.item.kind != "result" or "subagent" not in entry.item.name:
                    continue  # a page or a file may say anything
                for child in SUB_SESSION.findall(text_of(entry.item.content)):
                    inner = sessions.pop((agent, child), None) if child != root else None
                    if inner is None:
                        continue
                    for own, moved in inner.threads.items():
                        moved.parent, moved.is_subagent = moved.parent or name, True
                        session.threads.setdefault(own, moved)
                    session.first = min(session.first, inner.first)
                    session.last = max(session.last, inner.last)
                    session.places += inner.places


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trajectory(session: Session) -> Trajectory | None:
    steps = {name: build_steps(thread, _clock) for name, thread in session.threads.items()}
    root = session.native_id
    if not any(step_meta(step).kind == "turn" for known in steps.values() for step in known):
        return None
    version = session.version or "unknown"
    built = {
        name: Trajectory(
            schema_version=ATIF_VERSION,
            session_id=root,
            trajectory_id=None if name == root else name,
            agent=Agent(
                name=session.agent,
                version=version,
                model_name=_model(known) or session.model or None,
                tool_definitions=(session.tools or None) if name == root else None,
            ),
            steps=known,
            final_metrics=_totals(known),
        )
        for name, known in steps.items()
    }
    main = built.get(root)
    if main is None:
        # Only sub-agents were seen of it.
        main = Trajectory(
            schema_version=ATIF_VERSION,
            session_id=root,
            agent=Agent(name=session.agent, version=version, model_name=session.model or None),
            steps=[],
        )
    main = _nest(main, root, session.threads, built)
    return with_meta(
        main,
        SessionMeta(
            key=session_key(session.agent, root),
            source="wire",
            project="" if is_home(session.cwd) else path_of(session.cwd).name,
            skills=skills_seen(main),
            env=dict(sorted(session.env.items())),
        ),
    )


def _nest(
    main: Trajectory, root: str, threads: dict[str, Thread], built: dict[str, Trajectory]
) -> Trajectory:
    """Put each sub-agent under the thread that started it, and link it from the result that stands for it."""
    parents: dict[str, str] = {}
    for name, thread in threads.items():
        if name != root:
            parent = thread.parent if thread.parent in built else root
            parents[name] = root if parent is None or _loops(name, parent, parents) else parent

    def dressed(name: str, trajectory: Trajectory) -> Trajectory:
        children = [child for child, parent in parents.items() if parent == name]
        subs = [dressed(child, built[child]) for child in children if built[child].steps]
        steps = trajectory.steps
        for sub in subs:
            steps = _link(steps, sub)
        return msgspec.structs.replace(trajectory, steps=steps, subagent_trajectories=subs or None)

    return dressed(root, main)


def _loops(name: str, parent: str, parents: dict[str, str]) -> bool:
    while parent in parents:
        parent = parents[parent]
        if parent == name:
            return True
    return parent == name


def _link(steps: list[Step], sub: Trajectory) -> list[Step]:
    """The steps with a reference at the result that names the sub-agent, else at the call that briefed it."""
    name = sub.trajectory_id or ""
    brief = next((text_of(step.message).strip() for step in sub.steps if _said(step)), "")
    for by_name in (True, False):
        for place, step in enumerate(steps):
            results = step.observation.results if step.observation else []
            calls = {call.tool_call_id: call for call in step.tool_calls or []}
            for index, result in enumerate(results):
                call = calls.get(result.source_call_id or "")
                if by_name:
                    hit = name in text_of(result.content)
                else:
                    hit = call is not None and bool(brief) and brief in call.arguments.values()
                taken = result.subagent_trajectory_ref is not None
                if not hit or (taken and not by_name):
                    continue
                refs = [*(result.subagent_trajectory_ref or []), SubagentRef(trajectory_id=name)]
                linked = msgspec.structs.replace(result, subagent_trajectory_ref=refs)
                observation = Observation(results=[*results[:index], linked, *results[index + 1 :]])
                changed = msgspec.structs.replace(step, observation=observation)
                return [*steps[:place], changed, *steps[place + 1 :]]
    return steps


def _said(step: Step) -> bool:
    return step.source == "user" and not step_meta(step).injected


def _model(steps: list[Step]) -> str:
    return next((s.model_name for s in reversed(steps) if s.model_name and step_meta(s).kind == "turn"), "")


def _totals(steps: list[Step]) -> FinalMetrics:
    def total(name: str) -> int | None:
        numbers = [getattr(s.metrics, name) for s in steps if s.metrics is not None]
        known = [n for n in numbers if n is not None]
        return sum(known) if known else None

    return FinalMetrics(
        total_prompt_tokens=total("prompt_tokens"),
        total_completion_tokens=total("completion_tokens"),
        total_cached_tokens=total("cached_tokens"),
        total_steps=len(steps),
    )
