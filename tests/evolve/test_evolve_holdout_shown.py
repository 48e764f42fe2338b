"""Whatever of a session the author of a skill was shown, it tries nothing of what that author wrote.

A session that is held out of one lesson is evidence of another, and both may be about one skill.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import msgspec
from chat_model import ChatModel, call, calls
from llm_script import GOOD, asked, model, propose, scripted
from made_sessions import made, sh
from npm_house import USERS, context, pattern, refs, session
from test_evolve_holdout import day, mined

from skillclaw.evolve.drafting import Draft, build, targets
from skillclaw.evolve.evolvers import EvolveContext, evolvers
from skillclaw.evolve.models import open_models
from skillclaw.evolve.replay.choosing import choose_points, taught_by
from skillclaw.evolve.workspace import files
from skillclaw.settings import EvolveSettings, ModelSettings
from skillclaw.skills.records import Pattern, Proposal
from skillclaw.trajectory.model import SessionMeta, Trajectory, meta

MOST = 99
FIX = {"kind": "fix", "text": "If `npm test` fails, run `CI=1 npm test`."}
DRAFT = {key: GOOD[key] for key in ("why", "action", "title", "description")} | {
    "edits": [{"op": "add", "patterns": ["id-npm"], **FIX}]
}
"""An author's draft that cites one pattern of those that it was shown."""


def mark(key: str) -> str:
    return f"zebra{key}"


def marked(count: int = 12) -> dict[str, Trajectory]:
    """Sessions that each have a word of their own, in what is asked, called and given back."""
    found = {}
    for n in range(count):
        key = f"s{n:02}"
        word = mark(key)
        found[key] = session(key, USERS[n % 3], f"Mind the {word}.", sh(f"echo {word}", word), "Thanks.")
    return found


def marks_in(texts: Sequence[str], sessions: Mapping[str, Trajectory]) -> set[str]:
    return {key for key in sessions if any(mark(key) in text for text in texts)}


def lesson(
    sessions: Mapping[str, Trajectory], name: str, evidence: Sequence[str], held: Sequence[str]
) -> Pattern:
    """A pattern that quotes a session of its own."""
    return pattern(
        sessions,
        name,
        evidence=refs(sessions, *evidence),
        held_out=refs(sessions, *held),
        user_text=[f"Mind the {mark(evidence[-1])}."],
    )


def lessons(sessions: Mapping[str, Trajectory]) -> list[Pattern]:
    """Three lessons of one skill that the same sessions show, each with others held out. Of those held out of
    the first, `s00` and `s01` are evidence of the second, `s02` speaks against the third, `s03` to `s06` are
    neither."""
    keys = sorted(sessions)
    third = lesson(sessions, "third", keys[7:], keys[3:7])
    return [
        lesson(sessions, "npm", keys[7:], keys[:7]),
        lesson(sessions, "other", [*keys[:2], *keys[7:10]][::-1], keys[3:7]),
        msgspec.structs.replace(third, contradictions=refs(sessions, "s02", success=False)),
    ]


FREE = {"s03", "s04", "s05", "s06"}
"""What no lesson of the skill was made from."""


def cases(one: Proposal, own: EvolveContext) -> set[str]:
    """The sessions that the proposal would be tried on."""
    assert own.gate is not None
    return {meta(point.before).key for point in choose_points(one, own.gate, MOST)[0]}


def taught(one: Proposal, own: EvolveContext) -> set[str]:
    assert own.gate is not None
    return taught_by(one, own.gate)


@contextmanager
def having(server: ChatModel, given: EvolveContext) -> Iterator[EvolveContext]:
    """The context with this model."""
    own = EvolveSettings(model=ModelSettings(name="m", url=server.url, context=64_000))
    asker = open_models(own, home=None, environ={}, wait=0.0)
    assert asker is not None
    try:
        yield replace(given, models=asker)
    finally:
        asker.close()


@contextmanager
def reading(patterns: list[Pattern], sessions: Mapping[str, Trajectory]) -> Iterator[tuple[Any, ...]]:
    """The engine `agent` with an author that reads all that there is, and hands `DRAFT` in."""
    (target,) = targets(patterns, {}, context(sessions))
    paths = list(files(target, context(sessions)))
    steps = [calls(*(("read", f'{{"path": "{path}"}}') for path in paths)), call("draft", **DRAFT)]
    steps.append(call("submit"))

    def answer(request: dict[str, Any]) -> Any:
        at = sum(message["role"] == "assistant" for message in request["messages"])
        return steps[min(at, len(steps) - 1)]

    with ChatModel(answer) as server, having(server, context(sessions)) as own:
        yield server, own


def test_no_session_that_a_prompt_has_a_word_of_tries_what_the_model_wrote() -> None:
    sessions = marked()
    patterns = lessons(sessions)
    cites = {**GOOD, "lines": [{**line, "evidence": ["P1"]} for line in GOOD["lines"]]}
    with model(scripted(cites)) as server:
        (one,), own = propose(server, patterns, sessions, context_tokens=32_000)
        prompts = [asked(request)[1] for request in server.seen]
    assert one.engine == "llm" and [p.id for p in one.patterns] == ["id-npm"]
    shown = marks_in(prompts, sessions)
    assert {"s00", "s02"} <= shown, "they are evidence of what no line cites"
    assert not shown & cases(one, own)
    assert shown <= taught(one, own), "nor is one of them an executable case"
    assert cases(one, own) == FREE


def test_nor_one_that_an_author_can_read_a_word_of() -> None:
    sessions = marked()
    patterns = lessons(sessions)
    with reading(patterns, sessions) as (server, own):
        (one,) = evolvers()["agent"].propose(patterns, {}, own)
        said = [str(message["content"]) for request in server.seen for message in request["messages"]]
    assert one.engine == "agent" and [p.id for p in one.patterns] == ["id-npm"]
    (target,) = targets(patterns, {}, own)
    shown = marks_in([*files(target, own).values(), *said], sessions)
    assert {"s00", "s01", "s02"} <= marks_in(said, sessions)
    assert not shown & cases(one, own)
    assert shown <= taught(one, own)
    assert cases(one, own) == FREE


def both(number: int) -> Trajectory:
    """A session that shows two lessons: how a failure is mended, and what a person wants instead."""
    key = f"s{number:02}"
    known = SessionMeta(key=key, user=f"u{number * 5 % 8}", source="history", outcome="success")
    turns = (
        sh("npm test", "Error: Cannot find module 'left-pad'", 1),
        sh("npm ci", "added 12 packages"),
        sh("npm test", f"12 passing, {mark(key)}"),
        sh("npm install zod", "added"),
        "no, use pnpm here instead of npm",
        sh("pnpm add zod", "added"),
        "thanks, that is right",
    )
    return day(made("run the tests of the shop and add zod", *turns, meta=known), number)


def test_lessons_that_were_mined_with_sessions_held_out_are_tried_on_what_no_author_saw() -> None:
    sessions = {f"s{n:02}": both(n) for n in range(24)}
    found = mined(sessions.values())
    own = replace(context(sessions), mined=found.patterns, work=found.work)
    (target,) = targets(found.patterns, {}, own)
    label, one = next((f"P{n}", p) for n, p in enumerate(target.patterns, 1) if p.kind == "recovery")
    (other,) = [p for p in target.patterns if p is not one]
    held, seen = ({ref.session for ref in refs} for refs in (one.held_out, other.evidence))
    assert len(held) == 7 and held & seen, "what one lesson does without, the other is made from"
    line = {"kind": "fix", "text": "If `npm test` fails, run `npm ci`.", "evidence": [label]}
    with model(scripted({**GOOD, "lines": [line]})) as server, having(server, own) as asking:
        (proposal,) = evolvers()["llm"].propose(found.patterns, {}, asking)
        prompts = [asked(request)[1] for request in server.seen]
    assert proposal.engine == "llm" and [p.id for p in proposal.patterns] == [one.id]
    assert marks_in(prompts, sessions)
    assert not marks_in(prompts, sessions) & cases(proposal, own)
    assert cases(proposal, own) == held - seen


def test_what_is_built_of_a_draft_from_a_closed_room_keeps_what_lay_there() -> None:
    sessions = marked()
    own = context(sessions)
    (target,) = targets(lessons(sessions), {}, own)
    one = build(msgspec.convert(DRAFT, Draft), target, own, "cli")
    assert one is not None and [p.id for p in one.patterns] == ["id-npm"]
    assert {"s00", "s01", "s02"} <= {ref.session for ref in one.shown}
    assert marks_in(list(files(target, own).values()), sessions) <= taught(one, own)
    assert cases(one, own) == FREE
