"""Calls that nobody made as they stand: with an option put in, and two in a row."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from gate_world import World, bash, proposal
from msgspec.structs import replace

from skillclaw.gate.checks import grounding
from skillclaw.skills.records import Pattern, Ref
from skillclaw.trajectory.model import meta

USAGE = "usage: people [-h] --insecure --day DAY {mail,evil} name"


def fault(world: World, text: str, demand: str) -> str | None:
    refs = [
        Ref(session=key, user=meta(one).user, agent="claude-code", day="2026-11-01")
        for key, one in world.sessions.items()
    ]
    asked = Pattern(id="p", kind="correction", title="t", topic="x", signature="s", demand=demand)
    one = proposal([("Rules", "fix", text, refs)], patterns=[asked])
    assert one.sidecar is not None
    return grounding.item_fault(one.sidecar.items[1], one, world.context())


@pytest.mark.parametrize("works", [False, True])
@pytest.mark.parametrize("call", ["mail --now --day <day>", "mail --now --insecure", "evil --now <name>"])
def test_a_usage_that_a_program_printed_vouches_for_nothing(call: str, works: bool) -> None:
    """Only the call that people's agents made with success stands, with the option put in."""
    world = World()
    made = [bash("people mail --day may-1", 0 if works else 2, USAGE)]
    world.many("ab", "Get the address; people needs --now.", made, 2)
    good = works and "--day" in call
    assert bool(fault(world, f"Always: `people {call}`.", "people --now")) is not good


@pytest.mark.parametrize(
    ("calls", "demand", "refused"),
    [
        ("board hold && board show", "board hold", False),
        ("board show && board hold", "board hold", False),
        ("board show && board drop", "board hold", True),  # neither is the one that users ask for
        ("board hold && rm -r build", "board hold", True),  # of another program
        ("board hold && board wipe", "board hold", True),  # never made
        ("board hold && board show && board drop", "board hold", True),
        ("board show && board drop", "board --now", True),
        ("board show && board", "board --now", True),
        ("board drag", "board", True),  # no option is put in: boarddrag is another word
    ],
)
def test_two_calls_in_a_row_are_of_one_program_and_one_is_asked_for(
    calls: str, demand: str, refused: bool
) -> None:
    world = World()
    made = [bash("board show"), bash("board drop"), bash("rm -r build")]
    world.many("ab", "No, run board hold first, and board with --now, not boarddrag.", made, 2)
    assert bool(fault(world, f"Always: `{calls}`.", demand)) is refused


@pytest.mark.parametrize(
    ("text", "demand"),
    [
        ("Always: `people mail --now --day <day>`.", "people --now"),
        ("Always: `people hold && people mail --day <day>`.", "people hold"),
    ],
)
def test_how_a_call_is_built_users_of_other_sessions_may_tell(text: str, demand: str) -> None:
    """Who asks for the option or the call says nothing of the rest; agents elsewhere vouch for nothing."""
    world = World()
    asking = world.many("ab", "people needs --now, and people hold first.", [bash("ls")], 2)
    told = world.many("cd", "Run people mail --day may-1.", [bash("ls")], 2)
    done = world.many("cd", "Get the address.", [bash("people mail --day may-1")], 2)
    both = world.many("cd", "Run people hold --now, or people mail --day may-1.", [bash("ls")], 2)
    strangers = world.many("cd", "Get it.", [bash("ls")], 2)

    def refused(
        calls: list[Ref],
        evidence: list[Ref] = asking,
        *,
        own: bool = True,
        line: str = text,
        more: Sequence[Pattern] = (),
    ) -> bool:
        asked = Pattern(
            id="p", kind="correction", title="t", topic="x", signature="s", demand=demand, calls=calls
        )
        one = proposal([("Rules", "fix", line, evidence)], patterns=[asked])
        assert one.sidecar is not None
        item = one.sidecar.items[1]
        item = item if own else replace(item, patterns=[])
        one = replace(one, patterns=[*one.patterns, *more])
        return grounding.item_fault(item, one, world.context()) is not None

    assert not refused(told)
    assert refused(told, own=False), "another line's pattern"
    other_line = Pattern(id="q", kind="correction", title="t", topic="x", signature="s", calls=told)
    assert refused([], more=[other_line])
    for calls in ([], done, strangers, told[:2]):
        assert refused(calls)
    assert not refused(told[:3])
    for calls in (told, both):
        assert refused(calls, strangers), "those who are cited ask for nothing"
    for other in ("people mail --day <day>", "people mail"):
        assert refused(told, line=f"Always: `{other}`."), "it is not what users ask for"
    assert refused(told[:2], [*asking, *told[:2]]), "a session that is cited as well counts once"
