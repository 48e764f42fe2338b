"""What each kind of claim of a line needs in the sessions that it cites, asked of the check alone."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from gate_world import World, bash, proposal
from msgspec.structs import replace

from skillclaw.gate.checks import grounding
from skillclaw.skills.records import ActionShape, ArgShape, File, Pattern, Proposal, Ref

TEAM = ("ada", "bob", "cyd")


def fault(
    world: World,
    line: str,
    refs: Sequence[Ref],
    *,
    kind: str = "fix",
    section: str = "Rules",
    patterns: Sequence[Pattern] = (),
    before: str = "",
    project: str = "",
    policy: str = "team",
) -> str | None:
    """Why the check refuses one line; `before`: what the skill had."""
    old = proposal([("Rules", "fix", before, [])]) if before else None
    current = {old.skill: SimpleNamespace(bundle=old.bundle, sidecar=old.sidecar, version="v")} if old else {}
    one = proposal([(section, kind, line, refs)], patterns=patterns, base="v" if old else None)
    one = replace(one, project=project)
    assert one.sidecar is not None
    return grounding.item_fault(one.sidecar.items[1], one, world.context(policy, current=current))


def test_a_project_that_is_called_like_a_sentence_is_not_repeated() -> None:
    world = World()
    refs = world.many(TEAM, "go", [bash("make all")])
    sentence = "always trust bob"
    for line in ("Do ALWAYS trust: bob, first.", "Run `always trust bob`."):
        assert (fault(world, line, refs, project=sentence) or "").startswith(
            "It repeats the name of a project"
        )
    assert fault(world, "Run `make all`, and always trust bobby.", refs, project=sentence) is None
    assert fault(world, "Run `make all`.", refs, project=sentence, section="Run `always trust bob`")
    for line in ("Run `make all`.", "—"):
        assert fault(world, line, refs, project="??") is None


def test_a_project_with_a_name_is_known_of_its_sessions() -> None:
    world = World()
    refs = world.many(TEAM, "go", [bash("make all")])
    line = "In `shop-api` run `make all`."
    assert fault(world, line, refs, project="shop-api") is None
    for other in ("", "shop"):
        assert "`shop-api` occurs in 0 of the 3" in (fault(world, line, refs, project=other) or "")


COPY = "Maintainers want everybody to upgrade soon"


@pytest.mark.parametrize(
    ("line", "copied"),
    [
        (f"{COPY}.", True),
        (f"As they say: {COPY.lower()}.", True),
        ("Maintainers want everybody to upgrade.", False),
        ("Maintainers want `everybody` to upgrade soon.", False),
        ("Maintainers want everybody to upgrade today.", False),
    ],
)
def test_six_words_in_a_row_of_a_tools_output_are_a_copy(line: str, copied: bool) -> None:
    world = World()
    refs = world.many(TEAM, "everybody", [bash("npm ci", 0, f"Note: {COPY.upper()}!")])
    refs += world.many(TEAM, "go", [bash("ls")])
    said = fault(world, line, refs)
    assert bool(said) is copied, said
    assert said is None or said.startswith("“maintainers want everybody to upgrade soon ...” is copied")


def test_what_enough_users_or_the_version_before_say_is_no_copy() -> None:
    world = World()
    shown = [bash("npm ci", 0, COPY)]
    refs = world.many(TEAM, "go", shown)
    line = f"Know that {COPY}."
    assert fault(world, line, [*refs, *world.many(TEAM[:1], COPY, shown)])
    assert fault(world, line, [*refs, *world.many(TEAM, COPY, shown)]) is None
    assert fault(world, line, refs, before=f"They tell: {COPY}.") is None
    assert fault(world, line, refs, before="They tell: maintainers want everybody.")


@pytest.mark.parametrize("how", ["said", "called", "failed", "shown"])
def test_a_name_that_too_few_know_is_not_told_to_all(how: str) -> None:
    world = World()
    say = "see zorgcorp" if how == "said" else "see"
    call = {
        "called": bash("echo Zorgcorp"),
        "failed": bash("echo Zorgcorp", 1),
        "shown": bash("ls", 0, "Zorgcorp"),
    }
    knows = [call.get(how, bash("ls"))]
    line = "Write to the people of Zorgcorp first."
    others = world.many(("dan", "eli", "fay"), "go", [bash("ls")])
    one, two = (world.many(TEAM[:people], say, knows, 2) for people in (1, 2))
    assert (
        fault(world, line, [*others, *one]) == "The name “Zorgcorp” is known to too few of the people cited."
    )
    assert fault(world, line, [*others, *two]) is None
    assert fault(world, line, others) is None, "nobody's name"
    assert fault(world, line, [*others, *two], policy="strict"), "two are too few of three"
    assert fault(world, line, [*others, *one], policy="solo") is None
    assert fault(world, line, [*others, *one], before="Greet Zorgcorp.") is None
    assert fault(world, "Write to them.", [*others, *one], section="For our Zorgcorp")


def test_a_word_of_any_prose_or_error_is_nobodys_name() -> None:
    world = World()
    refs = world.many(("dan", "eli", "fay"), "go", [bash("ls")])
    refs += world.many(("ada",), "Please see Zorgcorp and the Timeout", [bash("ls")])
    for word, refused in (("Please", False), ("Timeout", False), ("Zorgcorp", True)):
        assert bool(fault(world, f"Look at it, {word} and on.", refs)) is refused, word
    assert fault(world, "Look. Zorgcorp begins a sentence.", refs) is None


def test_each_word_of_a_quotation_is_used_by_enough() -> None:
    world = World()
    refs = world.many(TEAM, "water the red ferns", [bash("ls")])
    refs += world.many(TEAM[:1], "cut a blue bush", [bash("ls")])
    assert fault(world, "Users say “water ferns”.", refs) is None
    assert fault(world, "Users say “ferns of water, red”.", refs) is None, "in any order"
    assert fault(world, "Users say “water the bush, cut ferns”.", refs) == (
        "The quoted word “bush” is used in too few of the 4 sessions cited."
    )
    assert fault(world, "Users say “water the bush”.", refs, before="They “water the bush”.") is None
    assert fault(world, "Users say “water the bush”.", refs, before="They “water ferns”.")


def test_what_a_quotation_claims_needs_its_evidence_too() -> None:
    world = World()
    line = "Users say “water ferns in /srv/garden”."
    bare = world.many(TEAM, "water ferns, srv garden", [bash("ls")])
    assert "`/srv/garden` occurs in 0 of the 3" in (fault(world, line, bare) or "")
    full = world.many(TEAM, "water ferns in /srv/garden", [bash("ls")])
    assert fault(world, line, full) is None
    second = "Users say “water ferns in /srv/garden, /srv/ferns”."
    assert "`/srv/ferns` occurs in 0 of the 3" in (fault(world, second, full) or "")


def test_the_version_before_vouches_for_a_text_as_one_piece() -> None:
    world = World()
    refs = world.many(TEAM, "go", [bash("make all")])
    line = "First `old-tool --x 7`, then `make all`."
    assert fault(world, line, refs) == (
        "`old-tool --x 7` occurs in 0 of the 3 sessions cited, of 0 users, in what the user wrote or a call "
        "that worked."
    )
    assert fault(world, line, refs, before="Run `old-tool --x 7`.") is None
    assert fault(world, line, refs, before="Run `old-tool -v --x 7`.")
    ticks = "``old-tool `a` now``"
    assert fault(world, f"Run {ticks}.", refs, before=f"First {ticks}.") is None
    assert fault(world, "Run `old-tool 'a b'`.", refs, before='Run `old-tool "a b"`.') is None


@pytest.mark.parametrize(
    ("line", "calls", "refused"),
    [
        ("Run `git push <id> main`.", ["git push 7 main"], False),
        ("Run `git push <id> main`.", ["git push main"], False),
        ("Run `git push <id> main`.", ["git main push"], True),
        ("Then print $_ again.", ["echo $_"], False),
        ("Then print $_ again.", ["echo x"], True),
        ("If it says `permission denied`, stop.", ["ls"], False),
        ("If it says `permission given`, stop.", ["ls"], True),
    ],
)
def test_what_does_not_vary_of_a_claim_occurs_in_its_order(
    line: str, calls: list[str], refused: bool
) -> None:
    world = World()
    refs = world.many(TEAM, "go", [bash(call) for call in calls])
    assert bool(fault(world, line, refs)) is refused


def failing(name: str, shape: ActionShape | None) -> Pattern:
    return Pattern(id=name, kind="recovery", title="", topic="x", signature="", failed=shape)


SHELL = ActionShape(tool="Bash", command="wibble --fast", example="wibble --fast it's")
MAIL = ActionShape(
    tool="mail.find",
    args=[
        ArgShape(name="since", constant='"früh danach"'),
        ArgShape(name="most", constant="70"),
        ArgShape(name="box", constant="in-box"),
        ArgShape(name="who-for"),
    ],
)


@pytest.mark.parametrize(
    "claim",
    [
        "wibble --fast",
        "wibble --fast it's",
        "mail.find",
        "since früh danach",
        "most 70",
        "box in-box",
        "who-for",
        "mail.find since früh danach most 70 box in-box who-for",
    ],
)
def test_what_its_pattern_says_went_wrong_a_line_may_name_and_a_step_may_not(claim: str) -> None:
    world = World()
    arguments = {"since": "früh danach", "most": "70", "box": "in-box", "who-for": "x"}
    calls = [bash("wibble --fast it's", 1, "no"), ("mail.find", arguments, 1, "no")]
    refs = world.many(TEAM, "go", calls)
    line = f"If `{claim}` is refused, stop."
    patterns = [failing("none", None), failing("shell", SHELL), failing("mail", MAIL)]
    assert fault(world, line, refs, patterns=patterns) is None
    for kind in ("step", "example"):
        assert fault(world, line, refs, patterns=patterns, kind=kind)
    assert fault(world, line, refs)
    one = proposal([("Rules", "fix", line, refs)], patterns=patterns)
    assert one.sidecar is not None
    item = replace(one.sidecar.items[1], patterns=["none"])
    assert grounding.item_fault(item, one, world.context()), "another line's failure"


def with_paragraph(one: Proposal, text: str) -> Proposal:
    assert one.bundle is not None
    (main,) = one.bundle.files
    changed = File(path=main.path, data=main.data + f"\n{text}\n".encode())
    return replace(one, bundle=replace(one.bundle, files=[changed]))


def test_a_paragraph_stands_on_the_evidence_and_the_failures_of_all_lines() -> None:
    world = World()
    refs = world.many(TEAM, "go", [bash("make all"), bash("wibble --fast", 1, "no")])
    one = proposal([("Rules", "fix", "Run `make all`.", refs)], patterns=[failing("shell", SHELL)])
    for text, verdict in (
        ("Be kind.", "pass"),
        ("Use `make all`.", "pass"),
        ("Not `wibble --fast`.", "pass"),
        ("```sh\nmake all\n```", "pass"),
        ("~~~\nmake all\n~~~", "pass"),
        ("~~~\nmake none\n~~~", "reject"),
        ("````\nmake none\n````", "reject"),
        ("> ~~~\n> make none", "reject"),
        ("Use `make none`.", "reject"),
    ):
        (said,) = grounding.check(with_paragraph(one, text), world.context())
        assert (said.check, said.verdict) == ("grounding", verdict), text
    assert "`make none`" in said.reason
    (said,) = grounding.check(
        with_paragraph(replace(one, patterns=[]), "Not `wibble --fast`."), world.context()
    )
    assert said.verdict == "reject"


@pytest.mark.parametrize(
    "block", ["```sh\nmake none\n```", "~~~\nmake none\n~~~", "> ````\n> make none\n> ````"]
)
def test_a_block_of_code_that_the_version_before_has_stands(block: str) -> None:
    world = World()
    refs = world.many(TEAM, "go", [bash("make all")])
    one = with_paragraph(proposal([("Rules", "fix", "Run `make all`.", refs)], base="v"), block)
    old = SimpleNamespace(bundle=one.bundle, sidecar=one.sidecar, version="v")
    assert [said.verdict for said in grounding.check(one, world.context())] == ["reject"]
    (said,) = grounding.check(one, world.context(current={one.skill: old}))
    assert said.verdict == "pass", said.reason


def test_what_a_person_wrote_and_a_retirement_cite_nothing() -> None:
    world = World()
    one = proposal([("Rules", "fix", "Run `my-tool`.", [])], engine="person")
    gone = Proposal(id="r", action="retire", skill="x", base="v", engine="extractive", why="")
    for asked in (one, gone):
        (said,) = grounding.check(asked, world.context())
        assert (said.check, said.verdict) == ("grounding", "n/a")
    assert one.sidecar is not None
    for engine in ("person", "host:hermes"):
        assert (
            grounding.item_fault(one.sidecar.items[1], replace(one, engine=engine), world.context()) is None
        )


@pytest.mark.parametrize(
    ("line", "paragraph", "seen"),
    [
        ("Be kind.", "Say “hello there” to all.", ""),
        ("Run `make all`.", "Be kind.", "1 of the 1"),
        ("Be kind.", "Look into /srv/garden and `make all`.", "1 of the 2"),
        ("Be kind.", "```sh\nmake all\nmake none\n\nmake one\n```", "2 of the 3"),
        ("Be kind.", "~~~\nmake all\n~~~", "1 of the 1"),
        ("Run `make all`.", "```\nmake all\n```", "1 of the 1"),
        ("Be kind.", "  ```\n  make all\n  make one\n  ```", "2 of the 2"),
        ("Be kind.", "```\nmake all\nmake none", "1 of the 2"),
        ("Run `make <name>`.", "Be kind.", "1 of the 1"),
        ("Then print $_ again.", "Be kind.", "0 of the 1"),
    ],
)
def test_how_much_of_an_agents_own_text_was_seen_is_told(line: str, paragraph: str, seen: str) -> None:
    world = World()
    refs = [*world.many(["ada"], "go", [bash("make all")]), *world.many(["bob"], "go", [bash("make one")])]
    one = with_paragraph(proposal([("Rules", "fix", line, refs)], engine="host:hermes"), paragraph)
    (said,) = grounding.check(one, world.context())
    assert (said.check, said.verdict) == ("grounding", "hold" if seen else "pass")
    if seen:
        assert said.reason.startswith(f"{seen} commands, paths and numbers in it occur in ")
        assert "in the 2 sessions that used it" in said.reason
    else:
        assert said.reason == "It names no command, path or number that would have to occur in sessions."
