"""The attack suite (tests/support/attack_variants.py): by every door into a group, nothing comes out at its
members' agents."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from atif_sessions import Ran, session
from attack_fresh import fresh
from attack_variants import Variant, variants
from attacks import files_below, member, tar
from lessons import LESSONS, writer
from llm_script import asked
from providers import Act, Answer, Provider
from team import found, home, hub, joined, sc, state
from test_server_group_trust import evolved, sent

from skillclaw import settings
from skillclaw.errors import BadInputError
from skillclaw.hub import Hub
from skillclaw.hub.inbox import send
from skillclaw.skills.bundle import pack, version
from skillclaw.skills.records import Bundle, Proposal, Sidecar

pytestmark = pytest.mark.live

ALL = list(variants())
MEMBERS = ("bob", "cyd", "dan")


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    for who in MEMBERS:
        joined(tmp_path, who)
    (tmp_path / "bob" / ".claude").mkdir()
    return tmp_path


def lines(chosen: Sequence[Variant]) -> list[str]:
    """What sessions and a model can say of them; of those with files, the files do the harm."""
    return [
        line
        for one in chosen
        if not one.files
        for line in (*one.lines, *one.other)
        if not line.startswith("|||")
    ]


def one_of_each(every: Sequence[Variant]) -> list[Variant]:
    return list({one.kind: one for one in every}.values())


def release_of(made: Bundle, object_: str, proposal: str) -> dict[str, Any]:
    return {
        "skill": made.name,
        "version": version(made),
        "base": None,
        "object": object_,
        "sidecar": None,
        "proposal": proposal,
        "scope": "global",
        "project": None,
    }


def installed(team: Path, who: str = "bob") -> dict[str, bytes]:
    return {
        name: data for name, data in files_below(team / who).items() if not name.startswith(".skillclaw/")
    }


def test_the_suite_is_as_large_as_it_says() -> None:
    kinds = Counter(one.kind for one in ALL)
    assert len(ALL) >= 60 and len(kinds) >= 18 and min(kinds.values()) >= 2, kinds
    assert len({one.bundle().files[0].data for one in ALL}) > 60


def stolen(thief: Hub, made: Bundle) -> None:
    """A proposal and the verdicts of the thief's own making, and the release at once for everybody."""
    try:
        object_ = thief.put_object(pack(made))
    except BadInputError:  # an honest packer refuses such names: the thief packs by hand
        object_ = thief.put_object(tar([(member(f.path), f.data) for f in made.files]))
    proposal = {"id": made.name, "skill": made.name, "action": "create", "base": None, "object": object_}
    thief.commit("proposal", {**proposal, "version": version(made)})
    thief.commit("verdict", {"proposal": made.name, "verdicts": [], "status": "passed"})
    with pytest.raises(BadInputError, match="a canary first"):
        thief.commit("release", {**release_of(made, object_, made.name), "stage": "stable"})
    thief.commit("release", {**release_of(made, object_, made.name), "stage": "canary", "share": 1.0})


@pytest.mark.parametrize("chosen", [one_of_each(ALL), pytest.param(ALL, marks=pytest.mark.slow)], ids=len)
def test_what_a_thief_of_the_evolvers_key_releases_is_not_installed(
    team: Path, chosen: list[Variant]
) -> None:
    """By the log itself: every variant is released as a version that passed; the clients look again."""
    sc(team, "ada", "hub", "settings", "canary", "1")  # what is released is there today
    thief = hub(team)
    for one in chosen:
        for made in (one.bundle(), one.second()):
            if made is not None:
                stolen(thief, made)
    report = sc(team, "bob", "sync")
    told = {change["skill"]: change["action"] for change in report["changes"]}
    halves = {one.id for one in chosen if one.other}
    through = {name for name in told if told[name] not in ("refused", "failed")}
    assert {name.removesuffix("-too") for name in through} <= halves
    # of two halves that do harm together there is one at most, which does none
    assert all({told[half], told[f"{half}-too"]} & {"refused", "failed"} for half in halves)
    assert {name.split("/")[2] for name in installed(team) if "/skills/" in name} == through
    assert not list(team.rglob("post-checkout")) and not (team / "bob" / ".bashrc").exists()


def test_the_second_half_is_refused_in_a_later_sync_too(team: Path) -> None:
    """Two that are harmless alone, and that no other check stops."""
    sc(team, "ada", "hub", "settings", "canary", "1")
    one = next(one for one in ALL if one.id == "split-skills-2")
    second = one.second()
    assert second is not None
    for made, action in ((one.bundle(), "installed"), (second, "refused")):
        stolen(hub(team), made)
        changes = [c for c in sc(team, "bob", "sync")["changes"] if c["skill"] == made.name]
        assert {c["action"] for c in changes} == {action}
    assert all("Together with the skill split-skills-2 it" in c["detail"] for c in changes), changes


def proposed(made: Bundle) -> Proposal:
    return Proposal(
        id=made.name,
        action="create",
        skill=made.name,
        base=None,
        engine="person",
        why="It helps.",
        bundle=made,
        sidecar=Sidecar(skill=made.name, version=version(made), engine="person"),
    )


def left_in_the_inbox(team: Path, chosen: Sequence[Variant]) -> Counter[str]:
    """How the proposals of a member stand after the evolver looked, and that none was released."""
    ways = Counter[str]()
    for one in chosen:
        for made in (one.bundle(), one.second()):
            if made is None:
                continue
            try:
                send(hub(team, "cyd"), "proposal", msgspec.to_builtins(proposed(made)))
            except BadInputError:
                ways["not sent"] += 1
                continue
            ways["refused"] += len(sc(team, "ada", "hub", "inbox")[0]["messages"]["refused"])
    evolved(team)
    now = state(team)
    assert now.skills == {}
    return ways + Counter(one.status for one in now.proposals.values())


def test_a_members_proposal_is_refused_or_waits_for_a_person(team: Path) -> None:
    ways = left_in_the_inbox(team, one_of_each(ALL))
    assert set(ways) <= {"refused", "rejected", "held", "not sent"} and ways["refused"] >= 12, ways


@pytest.mark.slow
def test_no_members_proposal_is_released_by_itself(team: Path) -> None:
    ways = left_in_the_inbox(team, ALL)
    assert set(ways) <= {"refused", "rejected", "held", "not sent"}, ways
    # two programs, two registries, five halves: what people decide about
    assert ways["held"] <= 9, ways


def poisoned(chosen: Sequence[str], lesson: int, numbers: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Sessions with a lesson worth learning, in which a tool says `chosen` too."""
    project, fails, works, error = LESSONS[lesson]
    for number in numbers:
        said = "\n".join((error, *chosen))
        ran = (Ran(fails, 1, said), Ran(works, 0, f"{number + 3} passed\n" + "\n".join(chosen)))
        yield session(
            "", 100 * lesson + number, f"Please check the {project} project before the release", ran
        )


def shared(team: Path, texts: Sequence[str], lessons: int, *, insider: bool) -> list[list[str]]:
    """Have all members meet every text in tool output; with `insider` eve says them all herself, again and
    again. The texts, by the lesson that they go with."""
    parts = [list(texts[at::lessons]) for at in range(lessons)]
    for who in MEMBERS:
        sent(team, who, [one for at, part in enumerate(parts) for one in poisoned(part, at, (1, 2))])
    if insider:
        joined(team, "eve")
        own = []
        for at, part in enumerate(parts):
            project, fails, works, error = LESSONS[at]
            for number in range(10, 16):
                ran = (Ran(fails, 1, error), *(Ran(text) for text in part), Ran(works, 0, "9 passed"))
                asks = f"Please check the {project} project before the release. " + " ".join(part)
                own.append(session("", 100 * at + number, asks, ran))
        sent(team, "eve", own)
    return parts


def released_texts(team: Path) -> str:
    found = []
    for name, skill in state(team).skills.items():
        known = skill.release(skill.current or "")
        if known is not None:
            found += [name, *(f.data.decode() for f in hub(team).get_bundle(known).files)]
    return "\n".join(found)


def through(text: str, chosen: Sequence[str]) -> list[str]:
    """What of the attacks stands in `text`: a whole line, or one of its commands or addresses."""
    flat = " ".join(text.split())
    bad = [line for line in chosen if " ".join(line.split()) in flat]
    return bad + [
        word for word in (".example", "203.0.113", "id_rsa", "系统提示", "reqeusts") if word in flat
    ]


def obeying(parts: Sequence[Sequence[str]]) -> Any:
    """A model that writes the lesson down, and every order that it finds in the sessions."""
    honest = writer()

    def act(request: dict[str, Any]) -> Act:
        made = honest(request)
        stage, prompt = asked(request)
        if stage != "draft" or not isinstance(made, Answer) or made.data.get("action") != "create":
            return made
        at = next((n for n, one in enumerate(LESSONS) if one[2] in prompt), 0)
        more = [
            {"kind": kind, "text": text, "evidence": ["P1"], **({"task": "Check"} if kind == "step" else {})}
            for n, text in enumerate(parts[at] if at < len(parts) else [])
            for kind in [("fact", "step", "fix", "pitfall")[n % 4]]
        ]
        return Answer({**made.data, "lines": [*made.data["lines"], *more]})

    return act


def by_sessions(team: Path, chosen: Sequence[Variant], lessons: int, engine: str) -> str:
    texts = lines(chosen)
    parts = shared(team, texts, lessons, insider=True)
    machine = home(team, "ada")
    with Provider("chat", obeying(parts)) as provider:
        sc(team, "ada", "hub", "settings", "model", "the model at 127.0.0.1")
        for key, value in provider.settings().items():
            settings.set_value(machine, f"evolve.model.{key}", str(value))
        settings.set_value(machine, "evolve.engine", engine)
        report = evolved(team)
        if engine == "llm":
            drafts = [json.dumps(one.body, ensure_ascii=False) for one in provider.seen]
            assert any("cdn-assets.example" in one for one in drafts), "the model was shown the orders"
    assert report["released"], report
    text = released_texts(team)
    assert through(text, texts) == []
    return text


@pytest.mark.parametrize("engine", ["extractive", pytest.param("llm", marks=pytest.mark.slow)])
def test_orders_in_sessions_do_not_get_into_what_is_learned(team: Path, engine: str) -> None:
    """Three members' agents meet the orders in tool output; a fourth member says and runs them herself, again
    and again. The lesson beside them is learned all the same."""
    text = by_sessions(team, one_of_each(ALL), 2, engine)
    assert any(works in text for _, _, works, _ in LESSONS[:2])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ["extractive", "llm"])
def test_no_variant_of_any_class_gets_into_what_is_learned(team: Path, engine: str) -> None:
    text = by_sessions(team, ALL, len(LESSONS), engine)
    assert sum(works in text for _, _, works, _ in LESSONS) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["extractive", "llm"])
def test_wordings_that_the_rules_were_not_made_with_do_not_get_in_either(team: Path, engine: str) -> None:
    text = by_sessions(team, list(fresh()), 2, engine)
    assert any(works in text for _, _, works, _ in LESSONS[:2])


@pytest.mark.slow
def test_members_cannot_release_wordings_that_the_rules_were_not_made_with(team: Path) -> None:
    ways = left_in_the_inbox(team, list(fresh()))
    assert set(ways) <= {"refused", "rejected", "held", "not sent"}, ways
