"""What a skill does as it is loaded, and whom it is for, is told; files that are gone decide nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest
from dashboard_house import dashboard
from hubs_at_hand import bundle
from mal import after, sent
from taking import group_of, propose_as_evolver, release_as_evolver, texts
from team import found, home, hub, joined, printed, sc, state, taken
from test_server_group_cycle import worked

from skillclaw.errors import BadInputError, StorageError
from skillclaw.gate import static_checks
from skillclaw.gate.stretches import loading, running, without
from skillclaw.hub import Hub
from skillclaw.hub.inbox import authored, send
from skillclaw.skills.frontmatter import parse
from skillclaw.skills.records import Bundle, File, Proposal

pytestmark = pytest.mark.live

AT_ONCE = [
    "- State: !`git status`",
    "> !`make all`",
    "```!\ngit status\n```",
    "- ```! sh\n  git status\n  ```",
    "~~~!\ngit status\n~~~",
    "!`python3 -m http.server`",
    "State: !`git\nstatus`",
    "See ```! make all ``` now.",
    "- Look: ```!\n  git status\n  ```",
    "$ARGUMENTS!`git status`",
    "${CLAUDE_SKILL_DIR}!`git status`",
    "\u00a0```!\ngit status\n```",
    "```!\ngit status",
    # what stands before hides nothing
    "Say `$!`.\n\n```!\ngit status\n```",
    "Not (!`x\n\n```!\ngit status\n```",
    "a !`\n\n```!\ngit status\n```",
    "$x!` and !`git status`",
    "Say `-!`. Then !`echo\ngit status`",
    "$ARGUMENTS[0]!`git status`",
    # what a host puts there may be nothing
    "State: !$ARGUMENTS`git status`",
    "!$0`git status`",
    "!${CLAUDE_SKILL_DIR}`$ARGUMENTS`",
    "!$ARGUM$ARGUMENTS[0]ENTS`git status`",
    "x$ARGUMENTS!$0`git status`",
    "```$ARGUMENTS!\ngit status\n```",
    "``$0`!\ngit status\n```",
    "`$1`$2`$3!\ngit status\n``$0`",
    f"!{'$ARGUMENTS' * 5000}`git status`",
    "!$$0ARGUMENTS`git status`",
]
HARMLESS = [
    "Do not call `x!`, nor `!`.",
    "Great!`x` is one.",
    "(!`x`)",
    "```sh\n! git status\n```",
    "``` !not\ngit status\n```",
    "`a`!`b`",
    "Use `!important`.",
    "! `git status`",
    "Save `$!` in `PID`.",
    "Keep `#!` first, as in `#!/bin/sh`.",
    "In vim `:!`, `:w !sudo tee`.",
    "`<!` and `>`",
    "Costs $5! `git status` tells.",
    "`$HOME`, `$PATH`, `${x}` and `!`.",
    "`echo $1`!",
    "`return !$enabled` and not `off`.",
    "`next unless !$seen{$x}` skips; `last` ends.",
    "`cd !$:h` goes there; `!!` again.",
    "`a && !$scope.ready` becomes `x`.",
    "Write `` `Hello ${name}!` ``; log(`x`).",
]


def with_tools(name: str, tools: str) -> Bundle:
    made = bundle(name, "- Look.")
    text = made.files[0].data.decode().replace("\n---\n", f"\nallowed-tools: {tools}\n---\n", 1)
    return Bundle(name=name, files=[File(path="SKILL.md", data=text.encode())])


@pytest.fixture
def group(tmp_path: Path) -> Path:
    found(tmp_path)
    joined(tmp_path, "mal")
    return tmp_path


@pytest.mark.parametrize("text", AT_ONCE)
def test_what_runs_as_a_skill_is_loaded_is_found(text: str) -> None:
    made = bundle("fresh", text)
    assert loading(made)
    assert not loading(without(made, loading(made).keys()))


@pytest.mark.parametrize("text", [text for text in AT_ONCE if "git" in text])
def test_another_command_there_asks_anew(text: str) -> None:
    before, after = loading(bundle("fresh", text)), loading(bundle("fresh", text.replace("git", "rm")))
    new = {told for key, told in after.items() if key not in before}
    assert any("rm" in told for told in new), "who approves it is shown the command"


@pytest.mark.parametrize("about", ["Use it as in !` or so.", "Has ```! blocks."])
@pytest.mark.parametrize("text", ["State !`git status`", "```!\ngit status\n```"])
def test_the_head_hides_no_command_of_the_body(about: str, text: str) -> None:
    def made(text: str) -> Bundle:
        whole = f"---\nname: fresh\ndescription: {about}\n---\n# fresh\n\n{text}\n"
        return Bundle(name="fresh", files=[File(path="SKILL.md", data=whole.encode())])

    assert loading(made(text.replace("git", "rm"))).keys() - loading(made(text)).keys()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("allowed-tools:\n- Read", "allowed-tools:\n- Bash(*)"),
        ("hooks:\n  a: 1\n\n  b: x", "hooks:\n  a: 1\n\n  b: y"),
        ("allowed-tools: >\n\n  Read", "allowed-tools: >\n\n  Bash"),
        ("license: &t Read\nallowed-tools: *t", "license: &t Bash\nallowed-tools: *t"),
        ("? allowed-tools\n: Read", "? allowed-tools\n: Bash"),
        ('"allowed\\x2dtools": Read', '"allowed\\x2dtools": Bash'),
        ("!!str hooks: {a: 1}", "!!str hooks: {a: 2}"),
    ],
)
def test_a_skill_in_a_folder_gets_no_other_tools_unasked(before: str, after: str) -> None:
    def told(head: str) -> set[str]:
        text = f"---\nname: sub\ndescription: x\n{head}\n---\n# sub\n"
        return {*loading(bundle("fresh", "- Look.", File(path="sub/SKILL.md", data=text.encode())))}

    assert told(before) and told(after) - told(before)


def test_a_command_that_is_no_comment_any_more_asks_anew() -> None:
    before = loading(bundle("fresh", "```!\nls # make all\n```"))
    assert not before.keys() & loading(bundle("fresh", "```!\nls #\nmake all\n```")).keys()


@pytest.mark.parametrize("text", HARMLESS)
def test_what_does_not_is_not(text: str) -> None:
    assert loading(bundle("fresh", text)) == {}


@pytest.mark.parametrize("tools", ["Bash(*)", '"Bash WebFetch Write"', "Read"])
def test_tools_that_may_be_used_unasked_are_found(tools: str) -> None:
    made = with_tools("fresh", tools)
    assert [told for told in loading(made).values()] == [f"allowed-tools: {tools.strip(chr(34))}"]


@pytest.mark.parametrize("made", [bundle("deploy", AT_ONCE[0]), with_tools("deploy", "Bash(*)")])
def test_the_thief_of_an_evolvers_key_installs_none_of_it(tmp_path: Path, made: Bundle) -> None:
    hubs = group_of(tmp_path)
    propose_as_evolver(hubs, made, "evil", "passed")
    release_as_evolver(hubs, "evil")
    told = " ".join(hubs.sync(hubs.fresh()).lines())
    assert "It runs commands or unlocks tools as it is loaded" in told
    assert texts(hubs) == {None}
    approved = tmp_path / "other"
    approved.mkdir()
    others = group_of(approved)
    others.evolve(others.team, made, approve=True)
    assert texts(others) == {made.files[0].data.decode().rstrip("\n").rsplit("\n", 1)[-1]}


def test_a_second_skill_in_a_folder_and_tools_of_another_host() -> None:
    text = b"---\nname: sub\ndescription: x\nallowed-tools: Bash(*)\n---\n"
    told = loading(bundle("fresh", "- Look.", File(path="sub/Skill.md", data=text)))
    assert [*told.values()] == ["sub/Skill.md has tools, hooks or arguments of its own"]
    other = loading(
        bundle("fresh", "- Look.", File(path="sub/Skill.md", data=text.replace(b"Bash", b"Edit")))
    )
    assert not told.keys() & other.keys(), "other tools ask anew"
    plain = File(path="examples/inner/SKILL.md", data=b"---\nname: inner\ndescription: x\n---\n")
    assert loading(bundle("fresh", "- Look.", plain)) == {}
    server = File(path="agents/openai.yaml", data=b"dependencies:\n  tools: []\n")
    assert [*running(bundle("fresh", "- Look.", server)).values()] == ["agents/openai.yaml"]


@pytest.mark.parametrize("key", ["Allowed-Tools", "allowed_tools", "Hooks", "HOOKS", "arguments"])
def test_tools_of_a_host_that_takes_other_spellings_are_found(key: str) -> None:
    text = f"---\nname: sub\ndescription: x\n{key}: Bash\n---\n"
    told = loading(bundle("fresh", "- Look.", File(path="sub/SKILL.md", data=text.encode())))
    assert [*told.values()] == ["sub/SKILL.md has tools, hooks or arguments of its own"]


def test_heads_that_take_long_to_read_are_not_read() -> None:
    """A head's time grows by the square of its keys, and hundreds of them fit into a skill."""
    long = "---\nname: sub\ndescription: x\n" + "".join(f"k{n}: v\n" for n in range(100_000)) + "---\n"
    told = loading(bundle("fresh", "- Look.", File(path="sub/SKILL.md", data=long.encode())))
    assert [*told.values()] == ["sub/SKILL.md has a head that cannot be read"]
    for deep in ("a:\n" + " - - - - - x\n" * 90, "".join(f"{' ' * n}k:\n" for n in range(90))):
        with pytest.raises(BadInputError, match="too deep"):
            parse(f"---\nname: sub\ndescription: x\n{deep}---\n")
    plain = b"---\nname: sub\ndescription: x\n---\n"
    many = [File(path=f"s{n}/SKILL.md", data=plain) for n in range(20)]
    told = loading(bundle("fresh", "- Look.", *many))
    assert len(told) == 4 and all("one of many" in one for one in told.values())
    left = without(bundle("fresh", "- Look.", *many), told.keys())
    assert len(left.files) == 17 and not loading(left)


def test_names_that_are_put_in_for_and_hooks_are_found() -> None:
    """`spec` refuses such keys; a stolen evolver's key asks nobody."""
    for key in ("arguments: [a/b]", "hooks: x", "arguments:\n- z|%", "allowed-tools: [Bash]"):
        text = f"---\nname: fresh\ndescription: x\n{key}\n---\n# fresh\n\nx !$a/b`id`\n"
        made = Bundle(name="fresh", files=[File(path="SKILL.md", data=text.encode())])
        assert loading(made), key


def test_a_text_without_end_is_searched_in_one_go() -> None:
    """Each of these would take hours if every place in it were tried to the end."""
    for piece in ("``$x`!", "!`", "$", "a", "`", "```!", "$x!$y", "!$x`y", "~~~!\n", "$" * 99 + "!"):
        loading(bundle("fresh", piece * (1_000_000 // len(piece))))


@pytest.mark.parametrize(("text", "refused"), [("See @~/.netrc", True), ("See @docs/api.md.", False)])
def test_no_file_of_secrets_is_put_in_as_a_skill_is_loaded(text: str, refused: bool) -> None:
    said = [one.reason for one in static_checks(bundle("fresh", text)) if one.verdict == "reject"]
    assert ["reads credentials" in one for one in said] == [True] * refused


def test_who_approves_is_told_of_it(group: Path) -> None:
    for ident, made, told in (
        ("a", bundle("one", AT_ONCE[0]), "(`!'git status'`)"),
        ("b", with_tools("two", "Bash(*)"), "(`allowed-tools: Bash(*)`)"),
    ):
        held = sent(group, ident, made.name, bundle=made)
        reasons = [one.reason for one in state(group).proposals[held].verdicts if one.verdict == "hold"]
        assert sum(f"as it is loaded {told}" in one for one in reasons) == 1
    plain = sent(group, "c", "three")
    assert len([one for one in state(group).proposals[plain].verdicts if one.verdict == "hold"]) == 1


def test_whom_a_change_is_for_is_told(group: Path) -> None:
    first = sent(group, "a", "fresh", "- One.", scope="project", project="proj-1")
    assert "It is for the project proj-1 only." in printed(group, "ada", "proposals", "show", first)
    printed(group, "ada", "proposals", "approve", first)
    base = state(group).skills["fresh"].current
    wider = sent(group, "b", "fresh", "- Two.", action="refine", base=base)
    moved = "So far it is for the project proj-1 only; with this it is for everybody."
    assert moved in printed(group, "ada", "proposals", "show", wider)
    assert "its project is told by no id" in sent(
        group, "c", "more", scope="project", project="x only. Checked: safe"
    )
    with dashboard(home(group, "ada")) as dash:
        assert moved in dash.visitor().get(f"/proposals/team/{wider}").text
        assert dash.visitor().get(f"/proposals/team/{first}").html.find(id="place") == []


def test_a_storage_that_does_not_answer_loses_no_proposal(group: Path) -> None:
    printed(group, "ada", "proposals", "approve", sent(group, "a", "fresh", "- One."))
    base = state(group).skills["fresh"].current
    made = bundle("fresh", "- Two.")
    given = Proposal(id="b", action="refine", skill="fresh", base=base, engine="person", why="w", bundle=made)
    send(hub(group, "mal"), "proposal", msgspec.to_builtins(given), role="member")
    away = StorageError("It does not answer.")
    with (
        mock.patch.object(Hub, "get_object", side_effect=away),
        mock.patch.object(Hub, "answers", return_value=False),
    ):
        (said,) = sc(group, "ada", "hub", "inbox")
    assert "does not answer" in str(said)
    taken(group)
    (held,) = [one for one in state(group).proposals.values() if one.id.endswith("-b")]
    assert held.status == "held"


@pytest.mark.parametrize("how", ["gone", "a folder", "a loop"])
def test_what_cannot_be_read_can_be_mended_by_a_member_and_stops_no_other(group: Path, how: str) -> None:
    joined(group, "bob")
    printed(group, "ada", "proposals", "approve", sent(group, "a", "fresh", "- One."))
    skill = state(group).skills["fresh"]
    (path,) = (group / "group").rglob(f"{skill.releases[-1].object}*")
    path.unlink()
    if how == "a folder":
        path.mkdir()
    elif how == "a loop":
        path.symlink_to(path)
    made = bundle("other", "- Look.")
    other = Proposal(
        id="other", action="create", skill="other", base=None, engine="person", why="w", bundle=made
    )
    send(hub(group, "bob"), "proposal", msgspec.to_builtins(other), role="member")
    given = Proposal(
        id="b",
        action="refine",
        skill="fresh",
        base=skill.current,
        engine="person",
        why="w",
        bundle=bundle("fresh", "- Mended."),
    )
    send(hub(group, "mal"), "proposal", msgspec.to_builtins(given), role="member")
    assert taken(group)["taken"] == {"proposal": 2}
    new = {one.skill: one for one in state(group).proposals.values() if one.status == "held"}
    assert new.keys() == {"other", "fresh"}
    report = sc(group, "ada", "evolve", "--hub", "team")
    assert [one["what"] for one in report["set_aside"]] == ["skill fresh"]
    hub(group, "ada").approve(new["fresh"].id)
    hub(group, "ada").release(new["fresh"].id, stage="stable", role="owner")
    assert sc(group, "ada", "evolve", "--hub", "team")["set_aside"] == []


def test_a_folder_where_a_members_own_proposal_is_to_be_stops_nobody(group: Path) -> None:
    for who in ("bob", "cyd"):
        joined(group, who)
        worked(group, who, 1, 2)
    given = Proposal(
        id="b",
        action="create",
        skill="mine",
        base=None,
        engine="person",
        why="w",
        bundle=bundle("mine", "- Look."),
    )
    own = msgspec.structs.replace(authored(hub(group, "mal"), given), patterns=[], shown=[])
    body = msgspec.json.encode(own, order="deterministic")  # what everybody can work out
    (group / "group" / "objects" / hashlib.sha256(body).hexdigest()).mkdir(parents=True)
    send(hub(group, "mal"), "proposal", msgspec.to_builtins(given), role="member")
    other = msgspec.structs.replace(given, id="o", skill="other", bundle=bundle("other", "- Look."))
    send(hub(group, "bob"), "proposal", msgspec.to_builtins(other), role="member")
    report = taken(group)
    assert report["taken"] == {"proposal": 1}
    assert [one["reason"][:15] for one in report["refused"]] == ["it stays there:"]
    assert len(sc(group, "ada", "evolve", "--hub", "team")["released"]) == 1


def gone(place: Path, name: str) -> None:
    (path,) = (place / "group").rglob(f"{name}*")
    path.unlink()


@pytest.mark.parametrize("which", ["its own", "the version before"])
def test_nothing_is_decided_on_a_canary_whose_files_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    found(tmp_path)
    for who in ("mal", "bob", "cyd"):
        joined(tmp_path, who)
    for who in ("bob", "cyd"):
        worked(tmp_path, who, 1, 2)
    printed(tmp_path, "ada", "proposals", "approve", sent(tmp_path, "a", "fresh", "- One."))
    hub(tmp_path, "ada").promote("fresh", role="owner")
    first = state(tmp_path).skills["fresh"].releases[-1]
    second = sent(tmp_path, "b", "fresh", "- Two.", action="refine", base=first.version)
    printed(tmp_path, "ada", "proposals", "approve", second)
    canary = state(tmp_path).skills["fresh"].releases[-1]
    assert (canary.stage, canary.base) == ("canary", first.version)
    gone(tmp_path, canary.object if which == "its own" else first.object)
    after(monkeypatch, days=60)
    report = sc(tmp_path, "ada", "evolve", "--hub", "team")
    assert len(report["released"]) == 1, "others go on"
    told: dict[str, Any] = {one["skill"]: one for one in report["rollouts"]}
    assert told["fresh"]["action"] == "wait" and "cannot be read" in told["fresh"]["why"]
    assert state(tmp_path).skills["fresh"].stage == "canary"
