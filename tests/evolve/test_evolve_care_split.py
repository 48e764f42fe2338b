"""A skill that grew too long and is about two things: the lines of one leave it, and none is lost."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from test_evolve_care import House

from skillclaw.evolve.current import current_skills
from skillclaw.evolve.evolvers import Current
from skillclaw.server.review.reviewing import policy_for
from skillclaw.skills.bundle import version
from skillclaw.skills.frontmatter import Head, render, split
from skillclaw.skills.items import DESCRIPTION, all_items, item_id, markdown, replace_text, same_text
from skillclaw.skills.records import Bundle, File, Item, Proposal, Sidecar, Verdict

pytestmark = pytest.mark.slow

OWN = "What the people of this office have to say about it, in words that no session has. " * 90


def current(house: House) -> dict[str, Current]:
    return current_skills(house.machine.hub, house.machine.hub.state())


def joined(house: House, first: Current, second: Current) -> Proposal:
    """One skill with all that two say, and a long text of a person."""
    name = "office-work"
    said = "Office work: what to run for it. Use when the user asks for something in the office."
    bodies = [split(markdown(one.bundle)["SKILL.md"])[1] for one in (first, second)]
    head_text = render(Head(name=name, description=said))
    text = f"{head_text}{bodies[0].rstrip()}\n\n{bodies[1].strip()}\n\n## Own\n\n{OWN}\n"
    bundle = Bundle(name=name, files=[File(path="SKILL.md", data=text.encode())])
    lines = [i for one in (first, second) for i in one.sidecar.items if i.section != DESCRIPTION]
    in_main = {same_text(item.text) for item in all_items(bundle, None)}
    lines = [item for item in lines if same_text(item.text) in in_main]
    head = Item(
        id=item_id(name, "condition", said),
        kind="condition",
        text=said,
        section=DESCRIPTION,
        evidence=[ref for item in lines for ref in item.evidence][:50],
    )
    sidecar = Sidecar(skill=name, version=version(bundle), engine="extractive", items=[head, *lines])
    return Proposal(
        id="made-office",
        action="create",
        skill=name,
        base=None,
        engine="extractive",
        why="made for a test",
        bundle=bundle,
        sidecar=sidecar,
    )


def long_skill(house: House) -> Proposal:
    """A skill that is too long and about two things, released, and no other; how it was proposed."""
    house.packaged()
    house.cycle()
    made = sorted(current(house).items(), key=lambda x: -len(x[1].sidecar.items))[:2]
    hub = house.machine.hub
    proposal = joined(house, made[0][1], made[1][1])
    for name, skill in current(house).items():
        hub.commit("archive", {"skill": name, "base": skill.version}, role="owner")
    hub.propose(proposal)
    hub.record_verdicts(proposal.id, [Verdict(check="test", verdict="pass", reason="made")], "passed")
    hub.release(proposal.id)
    return proposal


def test_in_two_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    house = House(tmp_path)
    proposal = long_skill(house)
    assert proposal.sidecar is not None
    lines = {same_text(item.text) for item in proposal.sidecar.items if item.section != DESCRIPTION}
    steps = []
    for _ in range(4):
        report = house.cycle()
        steps += [(p.proposal.skill, p.verdict) for p in report.proposals if p.proposal.action == "split"]
        there = {
            same_text(item.text)
            for skill in current(house).values()
            for item in all_items(skill.bundle, skill.sidecar)
        }
        assert lines <= there, "no line is lost in between"
    assert len(steps) == 2, steps
    assert [verdict for _, verdict in steps] == ["passed", "passed"]
    assert steps[1][0] == "office-work"
    office, other = current(house)["office-work"], current(house)[steps[0][0]]
    assert OWN[:80] in markdown(office.bundle)["SKILL.md"]
    mine, theirs = ({i.text for i in s.sidecar.items if i.section != DESCRIPTION} for s in (office, other))
    assert mine and theirs and not mine & theirs
    assert msgspec.structs.asdict(other)["version"] == version(other.bundle)


def test_the_same_step_of_another_procedure_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    house = House(tmp_path)
    long_skill(house)
    (first,) = [one.proposal for one in house.cycle().proposals if one.proposal.action == "split"]
    office, other = current(house)["office-work"], current(house)[first.skill]
    moved = next(item for item in other.sidecar.items if item.section != DESCRIPTION)
    text = f"{markdown(office.bundle)['SKILL.md']}\n## Apart\n\n- {moved.text}\n"
    bundle = replace_text(office.bundle, {"SKILL.md": text})
    apart = msgspec.structs.replace(moved, id="apart", section="Apart")
    sidecar = msgspec.structs.replace(
        office.sidecar,
        version=version(bundle),
        parents=[office.version],
        items=[*office.sidecar.items, apart],
    )
    more = Proposal(
        id="made-apart",
        action="refine",
        skill="office-work",
        base=office.version,
        engine="extractive",
        why="made for a test",
        bundle=bundle,
        sidecar=sidecar,
    )
    hub = house.machine.hub
    hub.propose(more)
    hub.record_verdicts(more.id, [Verdict(check="test", verdict="pass", reason="made")], "passed")
    hub.release(more.id)
    (second,) = [one.proposal for one in house.cycle().proposals if one.proposal.action == "split"]
    assert second.skill == "office-work"
    lines = [
        i for i in current(house)["office-work"].sidecar.items if same_text(i.text) == same_text(moved.text)
    ]
    assert [item.section for item in lines] == ["Apart"]


def test_a_part_that_was_refined_meanwhile_is_still_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    house = House(tmp_path)
    long_skill(house)
    (first,) = [one.proposal for one in house.cycle().proposals if one.proposal.action == "split"]
    office, other = current(house)["office-work"], current(house)[first.skill]
    text = markdown(other.bundle)["SKILL.md"] + "\nA line that a person wrote.\n"
    bundle = replace_text(other.bundle, {"SKILL.md": text})
    sidecar = msgspec.structs.replace(other.sidecar, version=version(bundle), parents=[other.version])
    more = Proposal(
        id="made-refined",
        action="refine",
        skill=first.skill,
        base=other.version,
        engine="extractive",
        why="made for a test",
        bundle=bundle,
        sidecar=sidecar,
    )
    hub = house.machine.hub
    hub.propose(more)
    hub.record_verdicts(more.id, [Verdict(check="test", verdict="pass", reason="made")], "passed")
    hub.release(more.id, stage="canary")
    now = current(house)
    assert (now[first.skill].version, now[first.skill].split_from) == (version(bundle), {office.version})
    assert now["office-work"].split_from == frozenset()
    early = [
        p.proposal for p in house.cycle().proposals if "office-work" in (p.proposal.skill, *_gone(p.proposal))
    ]
    assert early == [], "whoever has no canary still needs the lines; and the two are no doubles"
    hub.promote(first.skill)
    later = [one.proposal for one in house.cycle().proposals if one.proposal.skill == "office-work"]
    assert [one.action for one in later] == ["split"]
    mine, theirs = (
        {i.text for i in current(house)[name].sidecar.items if i.section != DESCRIPTION}
        for name in ("office-work", first.skill)
    )
    assert mine and theirs and not mine & theirs


def _gone(proposal: Proposal) -> list[str]:
    return [one.skill for one in proposal.retires]


def test_a_part_of_a_skill_with_a_stricter_policy_waits_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    house = House(tmp_path)
    long_skill(house)
    report = house.cycle(policies={"office-work": "team"})
    (split,) = [one for one in report.proposals if one.proposal.action == "split"]
    assert split.verdict == "held"
    (told,) = [one.reason for one in split.reasons if one.check == "policy"]
    name = split.proposal.skill
    assert f"It has lines of office-work, whose policy is 'team'; in {name} they come under 'solo'" in told
    hub = house.machine.hub
    assert policy_for(hub.state(), split.proposal, group=False) == "team"
    hub.approve(split.proposal.id)
    hub.release(split.proposal.id)
    assert name in current(house)
