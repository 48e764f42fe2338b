"""Each check for itself: several of them catch most attacks, so that only alone one is seen to work."""

from __future__ import annotations

import errno
import sys
from types import SimpleNamespace

import pytest
from gate_world import World, bash, proposal
from msgspec.structs import replace

from skillclaw.errors import BusyError, StorageError
from skillclaw.evolve.withheld import without_quotations
from skillclaw.gate import checks, decide, judge
from skillclaw.gate.checks import grounding, hidden, secrets, support
from skillclaw.gate.grounds import Grounds, read_grounds
from skillclaw.gate.replay.records import ReplayResult
from skillclaw.gate.standing import MemberFacts
from skillclaw.skills.records import File, Pattern, Proposal, Ref
from skillclaw.trajectory.model import Step, StepMeta, ToolCall, Trajectory, meta, with_step_meta

COMMAND = "Run `make all`."
NEW = MemberFacts(known=False, cohort="invite")


def verdict(check: object, world: World, refs: list, text: str = COMMAND, name: str = "team") -> str:
    one = proposal([("Steps", "step", text, refs)])
    return check.check(one, world.context(name))[0].verdict  # type: ignore[attr-defined]


@pytest.mark.parametrize("check", [support, grounding])
@pytest.mark.parametrize(
    ("users", "times", "expected"), [("ab", 2, "pass"), ("ab", 1, "reject"), ("a", 9, "reject")]
)
def test_sessions_and_users_are_both_counted(check: object, users: str, times: int, expected: str) -> None:
    world = World()
    assert verdict(check, world, world.many(users, "do it", [bash("make all")], times)) == expected


@pytest.mark.parametrize("check", [support, grounding])
def test_a_reference_under_another_name_counts_for_nobody(check: object) -> None:
    world = World()
    refs = world.many("aab", "do it", [bash("make all")])
    assert verdict(check, world, refs) == "pass"
    assert verdict(check, world, [replace(refs[0], user="c"), *refs[1:]]) == "reject"


def test_a_line_of_too_few_people_is_refused_though_the_others_have_enough() -> None:
    world = World()
    enough = world.many("ab", "do it", [bash("make all")], 2)
    few = world.many("a", "do it", [bash("make one")], 1)
    one = proposal([("Steps", "step", COMMAND, enough), ("Steps", "step", "Run `make one`.", few)])
    (said,) = support.check(one, world.context())
    assert (said.check, said.verdict) == ("support", "reject")
    assert said.reason == (
        "Only 1 session of 1 user support “Run `make one`.”; "
        "the policy 'team' asks for 3 sessions of 2 users."
    )
    assert one.sidecar is not None
    strong, weak = one.sidecar.items[1:]
    assert support.item_fault(strong, one, world.context()) is None
    assert support.item_fault(weak, one, world.context()) == said.reason
    for engine in ("person", "host:hermes"):
        assert support.item_fault(weak, replace(one, engine=engine), world.context()) is None
    merged = [replace(strong, evidence=few), replace(weak, evidence=few)]
    both = replace(one, sidecar=replace(one.sidecar, items=[one.sidecar.items[0], *merged]))
    assert "make all" in support.check(both, world.context())[0].reason


def test_what_only_new_people_stand_in_the_way_of_waits() -> None:
    world = World()
    members = {"a": MemberFacts(), "b": NEW, "c": NEW}
    context = world.context(members=members)
    new = world.many("abc", "do it", [bash("make all")], 2)
    line = ("Steps", "step", COMMAND, new)
    (said,) = support.check(proposal([line]), context)
    assert (said.check, said.verdict) == ("support", "hold")
    assert "Only 6 sessions of 3 users (2 of them new in the group) support" in said.reason
    assert (
        "asks for 3 sessions of 2 users, who is new counts half, and one at least must be known"
        in said.reason
    )
    assert said.reason.endswith("It can wait until they are known, or somebody approves it.")
    weak = ("Steps", "step", "Run `make one`.", new[:2])
    assert support.check(proposal([line, weak]), context)[0].verdict == "reject", "of two sessions, whoever"
    known = world.context(members=dict.fromkeys("abc", MemberFacts()))
    assert support.check(proposal([line]), known)[0].verdict == "pass"


def test_many_sessions_of_one_day_are_told_to_count_for_few() -> None:
    world = World()
    refs = world.many("a", "do it", [bash("make all")], 9) + world.many("bc", "do it", [bash("make all")])
    (said,) = support.check(proposal([("Steps", "step", COMMAND, refs)]), world.context("strict"))
    assert said.verdict == "reject"
    assert "11 sessions of 3 users" in said.reason
    assert "5 sessions of 3 users, and of one person and day 2 count." in said.reason
    (said,) = support.check(
        proposal([("Steps", "step", COMMAND, [*refs[:3], *refs[9:]])]), world.context("strict")
    )
    assert "Only 5 sessions of 3 users" in said.reason and "of one person and day 2 count." in said.reason
    for fewer in (refs[:9], [*refs[:2], *refs[9:]]):
        (said,) = support.check(proposal([("Steps", "step", COMMAND, fewer)]), world.context("strict"))
        assert "of one person and day" not in said.reason, "too few sessions or people, on whatever days"


@pytest.mark.parametrize(
    ("engine", "verdict"), [("extractive", "pass"), ("host:hermes", "pass"), ("person", "hold")]
)
def test_a_retirement_counts_what_speaks_against_the_skill(engine: str, verdict: str) -> None:
    world = World()
    refs = world.many("ab", "do it", [bash("make all")], 2)
    pattern = Pattern(id="p", kind="recovery", title="", topic="x", signature="", contradictions=refs[:2])
    one = Proposal(
        id="r",
        action="retire",
        skill="x",
        base="v",
        engine=engine,
        why="",
        patterns=[pattern],
        against=refs[2:],
    )
    (said,) = support.check(one, world.context())
    assert (said.check, said.verdict) == ("support", verdict)
    if engine == "person":
        return
    assert said.reason == "4 sessions of 2 users speak against the skill."
    for left in (replace(one, patterns=[]), replace(one, against=[])):
        (said,) = support.check(left, world.context())
        assert (said.check, said.verdict) == ("support", "reject")
        assert said.reason.startswith("Only 2 sessions of 2 users speak against the skill; ")
    new = world.context(members={"a": MemberFacts(), "b": NEW})
    (said,) = support.check(one, new)
    assert (said.check, said.verdict) == ("support", "hold")
    assert said.reason.startswith("Only 4 sessions of 2 users (1 of them new in the group) speak against")
    assert said.reason.endswith("It can wait until they are known, or somebody approves it.")


def test_a_description_that_a_person_or_an_agent_wrote_is_theirs_to_change() -> None:
    world = World()
    refs = world.many("ab", "do it", [bash("make all")], 2)
    line = ("Steps", "step", COMMAND, refs)
    old = proposal([line])
    assert old.bundle is not None and old.sidecar is not None
    first, *rest = old.sidecar.items
    unreadable = replace(old.bundle, files=[File(path="SKILL.md", data=b"no head")])
    cited, own = old.sidecar, replace(old.sidecar, items=[replace(first, evidence=[]), *rest])
    cases = [
        ("describe", old.bundle, cited, "pass"),
        ("describe", old.bundle, own, "hold"),
        ("describe", old.bundle, replace(cited, engine="host:hermes"), "hold"),
        ("describe", unreadable, cited, "hold"),
        ("refine", old.bundle, own, "pass"),
    ]
    for action, bundle, sidecar, verdict in cases:
        version = "0" * 64
        current = SimpleNamespace(bundle=bundle, sidecar=sidecar, version=version)
        one = replace(proposal([line], description="Pip, or make.", base=version), action=action)
        (said,) = support.check(one, world.context(current={one.skill: current}))
        assert (said.check, said.verdict) == ("support", verdict), (action, sidecar.engine)
        assert (said.reason == "It adds no line.") == (verdict == "pass")
    alone = replace(proposal([line]), action="describe")
    assert support.check(alone, world.context())[0].reason == "4 sessions of 2 users support it."


def test_a_new_skill_without_a_line_has_no_evidence() -> None:
    world = World()
    (said,) = support.check(proposal([]), world.context())
    assert (said.check, said.verdict) == ("support", "reject")
    assert said.reason == "No line of it has any evidence."


@pytest.mark.parametrize(
    ("since", "times", "expected"),
    [
        ("2026-11-02 08:00:00", 2, "pass"),
        ("2026-11-02 08:00:00", 1, "reject"),
        ("2026-11-02T08:00:00", 2, "reject"),
        ("2026-11-02 08:00", 2, "reject"),
        ("2026-11-02", 2, "reject"),
        ("soon", 2, "reject"),
    ],
)
def test_a_made_up_time_needs_sessions_that_write_theirs_so(since: str, times: int, expected: str) -> None:
    world = World()
    calls = [("mail.search", {"since": since}, 0, "")]
    refs = world.many("ab", "find it", calls, times)
    text = "Always give `since` (a date and time, such as `2001-01-31 09:00:00`) to `mail.search`."
    padding = world.many("ab", "find it", [("mail.search", {"since": "soon"}, 0, "")], 2)
    assert verdict(grounding, world, [*refs, *padding], text) == expected
    assert verdict(grounding, world, [*refs, *padding], text.replace("2001", "2002")) == "reject"


@pytest.mark.parametrize(
    "text",
    [
        "Always set `since` of `mail.search` to `2001-01-31 09:00:00`.",
        "Call `mail.search` with `since` 2001-01-31 and nothing else.",
        "Delete all that is older than (`2001-01-31 09:00:00`) first.",
        "Users ask for “2001-01-31 09:00:00”.",
    ],
)
def test_a_made_up_time_is_an_example_and_no_value_to_give(text: str) -> None:
    world = World()
    refs = world.many("ab", "find it", [("mail.search", {"since": "2026-11-02 08:00:00"}, 0, "")], 2)
    assert verdict(grounding, world, refs, text) == "reject"


def test_a_made_up_day_as_a_plain_word_is_a_value_to_give() -> None:
    world = World()
    refs = world.many("ab", "find it", [("mail.search", {"since": "2026-11-02"}, 0, "")], 2)
    text = "Give `since` (a date, such as `2001-01-31`) to `mail.search`."
    assert verdict(grounding, world, refs, text) == "pass"
    assert verdict(grounding, world, refs, f"{text} Or 2001-01-31.") == "reject"


def test_a_time_that_only_a_failed_call_or_a_result_has_vouches_for_no_writing() -> None:
    world = World()
    time = "2026-11-02 08:00:00"
    calls = [("mail.search", {"since": time}, 1, "no"), ("mail.search", {"since": "soon"}, 0, f"at {time}")]
    refs = world.many("ab", "find it", calls, 2)
    text = "Always give `since` (such as `2001-01-31 09:00:00`) to `mail.search`."
    assert verdict(grounding, world, refs, text) == "reject"
    assert verdict(grounding, world, refs, "Always give `since` to `mail.search`.") == "pass"


def test_a_heading_is_grounded_like_the_lines_below_it() -> None:
    world = World()
    refs = world.many("ab", "do it", [bash("make all")], 2)
    for heading, fault in (("With `make all`", False), ("With `rm -r x`", True)):
        one = proposal([(heading, "step", COMMAND, refs)])
        assert one.sidecar is not None
        assert bool(grounding.item_fault(one.sidecar.items[1], one, world.context())) is fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Always: `rota list --zone utc --day <day> > <path>`.", False),
        ("Always: `rota list --day <day> --zone utc`.", False),
        ("Always: `rota list --zone local --day <day>`.", True),  # nobody asked for that
        ("Always: `rota drop --zone utc --day <day>`.", True),  # nobody made such a call
        ("Always: `board list --zone utc --day <day>`.", True),
        ("Always: `rota list --zone utc --day <day> --force`.", True),
        ("Always: `rota purge --zone utc --day <day>`.", True),  # that one failed
        ("Always: `board show --zone utc`.", True),  # another program, which was called
        ("Always: `other --zone utc`.", True),
    ],
)
def test_an_option_that_users_ask_for_may_be_put_into_calls_that_agents_made(text: str, fault: bool) -> None:
    world = World()
    for say, calls in (
        ("Write the shifts", [bash("rota list --day may-1 > a.txt")]),
        ("Write them", [bash("rota list --day may-2 > b.txt")]),
    ):
        failed = [bash("rota purge --day may-3", 2), bash("board show")]
        world.many("ab", f"{say}. No, rota needs --zone utc.", [*calls, *failed])
    refs = [
        Ref(session=key, user=meta(one).user, agent="claude-code", day="2026-11-01")
        for key, one in world.sessions.items()
    ]
    asked = Pattern(
        id="p", kind="correction", title="t", topic="rota", signature="s", demand="rota --zone utc"
    )
    one = proposal([("Rules", "fix", text, refs)], patterns=[asked])
    assert one.sidecar is not None
    assert bool(grounding.item_fault(one.sidecar.items[1], one, world.context())) is fault
    for other in ("", "rota --zone cet"):
        unlike = replace(one, patterns=[replace(asked, demand=other)])
        assert grounding.item_fault(one.sidecar.items[1], unlike, world.context())
    item = replace(one.sidecar.items[1], patterns=[])
    assert grounding.item_fault(item, one, world.context()), "another line's pattern"
    step = proposal([("Steps / A", "step", text, refs)], patterns=[asked])
    assert step.sidecar is not None
    assert grounding.item_fault(step.sidecar.items[1], step, world.context())


def read(*steps: Step, sub: tuple[Step, ...] = ()) -> Grounds:
    world = World()
    world.add("a", "hello", [])
    (trajectory,) = world.sessions.values()
    inner = [Trajectory(schema_version="ATIF-v1.8", agent=trajectory.agent, steps=list(sub))] if sub else None
    return read_grounds(replace(trajectory, steps=list(steps), subagent_trajectories=inner))


def user(text: str, **kind: object) -> Step:
    return with_step_meta(Step(step_id=1, source="user", message=text), StepMeta(**kind))  # type: ignore[arg-type]


def test_what_the_host_puts_into_the_users_mouth_grounds_nothing() -> None:
    assert read(user("run evil --now")).supports(("evil --now",))
    assert not read(user("run evil --now", injected=True)).supports(("evil --now",))
    assert not read(user("run evil --now", kind="side")).supports(("evil --now",))
    for tag in ("system-reminder", "command-args", "environment_context", "skill"):
        tagged = read(user(f"hi <{tag}>run evil --now</{tag}> there"))
        assert tagged.supports(("there",))
        assert not tagged.supports(("evil --now",))


def test_what_a_sub_agent_was_told_is_not_the_users_word() -> None:
    grounds = read(user("look around"), sub=(user("run evil --now"),))
    assert grounds.supports(("look around",))
    assert not grounds.supports(("evil --now",))


def test_a_call_without_a_result_and_a_compaction_ground_nothing() -> None:
    call = ToolCall(tool_call_id="c", function_name="Bash", arguments={"command": "evil --now"})
    open_call = Step(step_id=1, source="agent", message="", tool_calls=[call])
    assert not read(open_call).supports(("evil --now",))
    world = World()
    world.add("a", "hi", [bash("evil --now", 0, "done")])
    (trajectory,) = world.sessions.values()
    worked = trajectory.steps[1]
    assert read(worked).supports(("evil --now",))
    assert not read(with_step_meta(worked, StepMeta(kind="compaction"))).supports(("evil --now",))


def test_a_check_that_breaks_rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError("too deep")

    passing = [check for check in checks() if check.name in ("spec", "size")]
    some = [*passing, SimpleNamespace(name="scan", check=broken)]
    # by module object: in the package the name `judge` is the function
    monkeypatch.setattr(sys.modules["skillclaw.gate.judge"], "checks", lambda: some)
    world = World()
    refs = world.many("ab", "do it", [bash("make all")], 2)
    verdicts = judge(proposal([("Steps", "step", COMMAND, refs)]), world.context())
    assert [v.verdict for v in verdicts] == ["pass", "pass", "reject"]
    assert decide(verdicts) == "rejected"
    assert "RecursionError" in verdicts[-1].reason


@pytest.mark.parametrize(
    "error",
    [
        StorageError("The disk is full."),
        BusyError("Another has it."),
        OSError(errno.ENOSPC, "No space left on device"),
        MemoryError(),
    ],
)
def test_what_cannot_be_read_now_rejects_nothing_for_good(error: Exception) -> None:
    def replayer(one: object) -> ReplayResult:
        raise error

    world = World()
    refs = world.many("ab", "do it", [bash("make all")], 2)
    context = world.context().with_replayer(replayer)
    with pytest.raises(BusyError if isinstance(error, BusyError) else StorageError):
        judge(proposal([("Steps", "step", COMMAND, refs)]), context)


def test_the_words_of_a_broken_check_are_not_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("what eve asked")

    some = [SimpleNamespace(name="scan", check=broken)]
    monkeypatch.setattr(sys.modules["skillclaw.gate.judge"], "checks", lambda: some)
    world = World()
    (said,) = judge(proposal([("Steps", "step", COMMAND, world.many("a", "do", [], 1))]), world.context())
    assert "what eve asked" in said.reason
    (public,) = without_quotations([said])
    assert "KeyError" in public.reason and "eve" not in public.reason


def test_secrets_and_placeholders_anywhere_in_the_files_reject() -> None:
    world = World()
    refs = world.many("ab", "do it", [bash("make all")], 2)
    for text in ("key sk-ant-api03-Zk3vQ9xL2mN8pR5tW7yB4cD6fG1hJ0kA", "mail <email:4f2a91c0>"):
        extra = File(path="references/more.md", data=f"# More\n\n{text}\n".encode())
        one = proposal([("Steps", "step", COMMAND, refs)], files=[extra])
        (said,) = secrets.check(one, world.context())
        assert (said.verdict, said.check) == ("reject", "secrets"), text
        assert "references/more.md" in said.reason


def test_a_comment_in_a_line_or_its_heading_is_named() -> None:
    world = World()
    one = proposal([("Steps", "step", COMMAND, [])])
    assert one.sidecar is not None
    item = one.sidecar.items[1]
    assert hidden.item_fault(item, one, world.context()) is None
    for bad in (replace(item, text="Run it. <!-- and more -->"), replace(item, section="Steps <!-- x -->")):
        assert hidden.item_fault(bad, one, world.context())


def test_strict_waits_for_a_replay_and_says_so() -> None:
    world = World()
    refs = world.many("abc", "do it", [bash("make all")], 2)
    one = proposal([("Steps", "step", COMMAND, refs)])
    held = [v.check for v in judge(one, world.context("strict")) if v.verdict == "hold"]
    assert sorted(held) == ["approval", "replay"]
