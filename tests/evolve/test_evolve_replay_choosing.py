"""Which sessions a proposal may be tried on: held out, still there, and without any part in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from made_sessions import made, sh

from skillclaw.evolve.replay.choosing import choose_points, taught_by
from skillclaw.gate import GateContext, policy
from skillclaw.journal.redact import Redactor
from skillclaw.skills.bundle import version
from skillclaw.skills.items import item_id
from skillclaw.skills.records import ActionShape, Bundle, File, Item, Pattern, Proposal, Ref, Sidecar
from skillclaw.trajectory.model import Record, SessionMeta, Trajectory, meta

ERROR = "Error: Cannot find module 'left-pad'"
USERS = "abc"


def npm(number: int, user: str = "") -> Trajectory:
    known = SessionMeta(key=f"s{number}", user=user or USERS[number % 3], source="history", outcome="success")
    return made(
        "run the tests of the shop please",
        sh("npm test", ERROR, 1),
        sh("npm ci", "added"),
        sh("npm test", "12 passing"),
        meta=known,
    )


SESSIONS = {f"s{number}": npm(number) for number in range(12)}


def ref(number: int, user: str = "") -> Ref:
    own = user or USERS[number % 3]
    return Ref(
        session=f"s{number}", user=own, agent="claude-code", day=f"2026-11-{number + 1:02}", steps=[2, 3]
    )


def shell(command: str) -> ActionShape:
    return ActionShape(tool="Bash", command=command, example=command)


def pattern(name: str, evidence: list[int], held: list[int]) -> Pattern:
    return Pattern(
        id=name,
        kind="recovery",
        title="t",
        topic="npm",
        signature="s",
        failed=shell("npm test"),
        error=ERROR,
        actions=[shell("npm ci"), shell("npm test")],
        evidence=[ref(one) for one in evidence],
        held_out=[ref(one) for one in held],
    )


def proposal(*patterns: Pattern, line: str = "If `npm test` fails, run `npm ci`.") -> Proposal:
    text = f"---\nname: npm\ndescription: How to test.\n---\n\n# npm\n\n## What goes wrong\n\n- {line}\n"
    bundle = Bundle(name="npm", files=[File(path="SKILL.md", data=text.encode())])
    item = Item(
        id=item_id("npm", "pitfall", line),
        kind="pitfall",
        section="What goes wrong",
        text=line,
        patterns=[one.id for one in patterns],
        evidence=[ref for one in patterns for ref in one.evidence],
    )
    return Proposal(
        id="p",
        action="create",
        skill="npm",
        base=None,
        engine="extractive",
        why="w",
        bundle=bundle,
        sidecar=Sidecar(skill="npm", version=version(bundle), items=[item]),
        patterns=list(patterns),
    )


class CurrentForTest(Record, frozen=True, kw_only=True):
    """A skill as the hub has it."""

    bundle: Bundle
    sidecar: Sidecar
    version: str


def context(sessions: dict[str, Trajectory] | None = None, **more: Any) -> GateContext:
    known = SESSIONS if sessions is None else sessions
    redactor = Redactor(b"k" * 32, home=Path("/h"), user_names=())
    return GateContext(policy=policy("strict"), redactor=redactor, sessions=known.get, **more)


def test_held_out_sessions_are_the_cases_and_people_take_turns() -> None:
    found, why = choose_points(proposal(pattern("x", [0, 1, 2], [3, 6, 9, 4, 5])), context(), most=3)
    assert why == "" and len(found) == 3
    assert sorted(point.user for point in found) == ["a", "b", "c"]
    assert len({point.case for point in found}) == 3


def test_a_session_that_taught_another_lesson_of_the_skill_is_no_case() -> None:
    one = proposal(pattern("x", [0, 1, 2], [3, 4, 5, 6]), pattern("y", [3, 4, 5, 7], []))
    assert {"s3", "s4", "s5"} <= taught_by(one, context())
    found, why = choose_points(one, context(), most=9)
    assert len(found) == 1 and why == "1 of 1 held-out sessions show one step that went wrong; 3 are needed."
    all_taught = proposal(pattern("x", [0, 1, 2], [3]), pattern("y", [3, 4, 5], []))
    assert choose_points(all_taught, context(), most=9)[1].startswith("Every session that was held out")


def test_a_session_that_the_author_was_shown_is_no_case() -> None:
    one = msgspec.structs.replace(
        proposal(pattern("x", [0, 1, 2], [3, 4, 5, 6])), engine="llm", shown=[ref(3), ref(7)]
    )
    assert {"s3", "s7"} <= taught_by(one, context())
    found, why = choose_points(one, context(), most=9)
    assert why == "" and {meta(point.before).key for point in found} == {"s4", "s5", "s6"}


def test_a_change_is_tried_on_what_its_new_lines_are_about() -> None:
    old, new = pattern("old", [0, 1, 2], [3, 4, 5]), pattern("new", [0, 1, 2], [6, 7, 8])
    before = proposal(old)
    assert before.bundle is not None and before.sidecar is not None
    own = CurrentForTest(bundle=before.bundle, sidecar=before.sidecar, version=version(before.bundle))
    line = "If `npm test` fails with no module, run `npm ci`."
    changed = msgspec.structs.replace(
        proposal(new, line=line), action="refine", base=own.version, patterns=[old, new]
    )
    found, why = choose_points(changed, context(current={"npm": own}), most=9)
    assert why == "" and {point.pattern for point in found} == {"new"}


def test_sessions_that_are_gone_or_of_somebody_else_are_no_cases() -> None:
    one = proposal(pattern("x", [0, 1, 2], [3, 4, 5, 6]))
    left = {key: session for key, session in SESSIONS.items() if key not in ("s3", "s4")}
    assert len(choose_points(one, context(left), most=9)[0]) == 2
    stolen = {**SESSIONS, "s3": npm(3, user="mallory")}
    assert len(choose_points(one, context(stolen), most=9)[0]) == 3


def test_why_there_are_none_is_said() -> None:
    bare = msgspec.structs.replace(proposal(pattern("x", [0], [])), patterns=[])
    for one, most, why in (
        (bare, 9, "It was made from no pattern"),
        (proposal(pattern("x", [0, 1, 2], [])), 9, "Too few sessions show what it is about"),
        (proposal(pattern("x", [0, 1], [3, 4, 5])), 2, "gate.replay.max_calls leaves room for 2."),
    ):
        assert why in choose_points(one, context(), most)[1]
