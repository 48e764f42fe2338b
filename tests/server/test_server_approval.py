"""People approve in a group: two of them, with notes, under a skill's own policy, no source of the change."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from api_house import proposal
from team import found, home, hub, joined, machine, printed, sc, state

from skillclaw.errors import SkillClawError, UsageError
from skillclaw.hub import keys
from skillclaw.server.groups.collecting import pseudonym
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Effect, Item, Proposal, Verdict

HELD = [
    Verdict(check="support", verdict="pass", reason="6 sessions of 3 users."),
    Verdict(check="approval", verdict="hold", reason="It waits for a reviewer."),
]


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    for who in ("rev", "rae"):
        joined(tmp_path, who, "--role", "reviewer")
    return tmp_path


def held(
    team: Path, number: int = 1, *more: str, base: str | None = None, given: Proposal | None = None
) -> str:
    """A proposal of the evolver's, held; its id."""
    made = given or proposal(number, *more, base=base)
    hub(team).propose(made)
    hub(team).record_verdicts(made.id, HELD, "held")
    return made.id


def test_two_people_approve_each_with_a_note_and_then_it_is_released(team: Path) -> None:
    assert sc(team, "ada", "hub", "settings", "reviewers", "2")["reviewers"] == 2
    id_ = held(team)
    seen = sc(team, "rev", "proposals", "show", id_)["review"]
    assert seen["needs"].startswith("It needs 2 reviewers")
    first = sc(team, "rev", "proposals", "approve", id_, "--note", "It bit me too.")
    assert first["released"] is None
    assert first["needs"].startswith("It needs 1 more reviewer;")
    again = sc(team, "rev", "proposals", "approve", id_, "--note", "Twice.")
    assert again["released"] is None, "the same person is no second one"
    seen = sc(team, "ada", "proposals", "show", id_)["review"]
    assert [(one["name"], one["note"], one["counts"]) for one in seen["approvals"]] == [
        ("rev", "It bit me too.", True)
    ]
    done = sc(team, "rae", "proposals", "approve", id_)
    assert (done["released"]["stage"], done["released"]["share"], done["needs"]) == ("canary", 0.5, "")
    assert sc(team, "rae", "proposals", "show", id_)["review"]["needs"] == ""


def test_who_sent_it_does_not_count_under_the_two_person_rule(team: Path) -> None:
    sc(team, "ada", "hub", "settings", "reviewers", "2")
    made = proposal(1)
    group = hub(team)
    body = {"id": made.id, "skill": made.skill, "action": made.action, "base": None}
    assert made.bundle is not None
    name = group.put_object(msgspec.json.encode(made, order="deterministic"))
    group.commit("proposal", {**body, "object": name, "version": version(made.bundle)}, role="owner")
    group.record_verdicts(made.id, HELD, "held")
    with pytest.raises(UsageError, match="You wrote this proposal"):
        sc(team, "ada", "proposals", "approve", made.id)
    sc(team, "rev", "proposals", "approve", made.id)
    assert sc(team, "rae", "proposals", "approve", made.id)["released"]["skill"] == "pip-venv"


def test_a_person_rejects_with_a_reason_that_all_read(team: Path) -> None:
    id_ = held(team)
    sc(team, "rev", "proposals", "reject", id_, "--note", "venv is not what we use")
    shown = sc(team, "ada", "proposals", "show", id_)
    assert shown["state"]["verdicts"][-1] == {
        "check": "approval",
        "verdict": "reject",
        "reason": "venv is not what we use",
    }
    log = state(team)
    assert log.keys[log.proposals[id_].judged_by].name == "rev"
    with pytest.raises(UsageError, match="is rejected"):
        sc(team, "rae", "proposals", "approve", id_)


def test_a_skills_own_policy_is_strict_where_the_groups_is_not(team: Path) -> None:
    sc(team, "ada", "hub", "settings", "policies", '{"pip-venv": "strict"}')
    with pytest.raises(SkillClawError):
        sc(team, "ada", "hub", "settings", "policies", '{"pip-venv": "solo"}')
    made = proposal(1)
    hub(team).propose(made)
    hub(team).record_verdicts(made.id, HELD[:1], "passed")
    with pytest.raises(SkillClawError, match="release"):
        hub(team).release(made.id, stage="canary")
    seen = sc(team, "rev", "proposals", "show", made.id)["review"]
    assert (seen["policy"], seen["needs"], seen["source"]) == ("strict", "It needs 1 reviewer.", None)
    assert sc(team, "rev", "proposals", "approve", made.id)["released"]["stage"] == "canary"


def test_a_source_of_a_strict_change_is_not_its_reviewer_where_that_can_be_told(team: Path) -> None:
    sc(team, "ada", "hub", "settings", "policy", "strict")
    log = state(team)
    secret = keys.load_or_create(home(team, "ada") / "keys", log.group, "pseudonyms")
    own = keys.load(home(team, "ada") / "keys", log.group, "member") or keys.load(
        home(team, "ada") / "keys", log.group, "owner"
    )
    assert own is not None
    user = pseudonym(log.keys[keys.public_hex(own)], secret.encode())
    id_ = held(team, given=cited_by(proposal(1), user))
    assert sc(team, "ada", "proposals", "show", id_)["review"]["source"] is True
    with pytest.raises(UsageError, match="Sessions of yours"):
        sc(team, "ada", "proposals", "approve", id_)
    assert state(team).proposals[id_].approvals == []
    said = printed(team, "rev", "proposals", "approve", id_)
    assert "cannot tell whether sessions of yours" in said
    other = held(team, 2, "Then wait.", base=state(team).skills["pip-venv"].current)
    assert sc(team, "ada", "proposals", "approve", other)["released"]["skill"] == "pip-venv"


def cited_by(made: Proposal, user: str) -> Proposal:
    """The proposal with one session of `user` among what it cites."""
    assert made.sidecar is not None
    replace = msgspec.structs.replace

    def with_user(item: Item) -> Item:
        return replace(item, evidence=[replace(item.evidence[0], user=user), *item.evidence[1:]])

    return replace(made, sidecar=replace(made.sidecar, items=[with_user(one) for one in made.sidecar.items]))


def test_who_decides_sees_the_change_and_what_each_new_line_rests_on(team: Path) -> None:
    first = held(team)
    released = sc(team, "rev", "proposals", "approve", first)["released"]["version"]
    second = held(team, 2, "Wait for `make ready`.", base=released)
    seen = sc(team, "rev", "proposals", "show", second)["review"]
    assert "+2. Wait for `make ready`." in seen["diff"]
    assert not any(line.startswith("+1.") for line in seen["diff"].splitlines())
    (new,) = [one for one in seen["lines"] if one["kind"] == "step"]
    assert (new["text"], new["sessions"], new["shown"]) == ("Wait for `make ready`.", 0, [])
    whole = sc(team, "rev", "proposals", "show", first)["review"]
    assert whole["diff"].startswith("--- /dev/null"), "it was for a skill that was not there"
    step = next(one for one in whole["lines"] if one["kind"] == "step")
    assert (step["sessions"], step["users"], len(step["shown"])) == (6, 3, 2)
    assert {one["text"] for one in step["shown"]} == {None}, "a reviewer's machine has no sessions of others"
    said = printed(team, "rev", "proposals", "show", second)
    assert "Policy team. It needs 1 reviewer." in said
    assert "+ Wait for `make ready`.\n    rests on nothing" in said
    assert "+2. Wait for `make ready`." in said


def test_the_log_of_a_skill_tells_its_story_in_sentences(team: Path) -> None:
    id_ = held(team)
    sc(team, "rev", "proposals", "approve", id_, "--note", "It bit me too.")
    assert sc(team, "ada", "skills", "log", "team/pip-venv")[0]["undecided"] is True
    effect = Effect(
        endpoint="outcome",
        treated_n=84,
        control_n=80,
        clients=5,
        treated_rate=0.62,
        control_rate=0.48,
        difference=0.14,
        ci=(0.03, 0.25),
    )
    hub(team).promote("pip-venv", why="It helps.", effect=effect)
    sc(team, "rae", "skills", "rollback", "team/pip-venv", "--why", "We moved to uv.")
    (row,) = sc(team, "ada", "skills", "log", "team/pip-venv")
    assert row["undecided"] is False
    assert (row["share"], row["current"], row["because"]) == (
        0.5,
        False,
        "Six sessions of three people met it.",
    )
    assert [one["text"] for one in row["told"]] == [
        "Released as a canary, which each client has on 50% of the days, "
        f"from proposal {id_}, approved by rev (reviewer: It bit me too.).",
        "Stable since then. It helps. Success in 62% of 84 sessions with it, 48% of 80 without: "
        "+14 points [+3, +25], 5 clients.",
        "Rolled back; nothing took its place. We moved to uv.",
    ]
    assert row["told"][0]["by"] == "rev"
    assert row["told"][1]["effect"]["ci"] == [0.03, 0.25]
    said = printed(team, "ada", "skills", "log", "team/pip-venv")
    assert "rae: Rolled back; nothing took its place. We moved to uv." in said


def test_a_machine_of_one_person_knows_policies_of_single_skills(tmp_path: Path) -> None:
    sc(tmp_path, "ada", "config", "set", "gate.policies.pip-venv", "team")
    sc(tmp_path, "ada", "evolve")
    ada = machine(tmp_path, "ada")
    assert ada.hub.state().settings == {
        "policy": "solo",
        "policies": {"pip-venv": "team"},
        "canary": 1.0,  # on one's own hub a canary is there on all days
    }
    for number, skill in ((1, "pip-venv"), (2, "uv-venv")):
        made = proposal(number, skill=skill)
        ada.hub.propose(made)
        ada.hub.record_verdicts(made.id, HELD, "held")
    done = sc(tmp_path, "ada", "proposals", "approve", f"{1:016x}")
    assert (done["released"]["stage"], done["released"]["share"]) == ("canary", 1.0)
    done = sc(tmp_path, "ada", "proposals", "approve", f"{2:016x}")
    assert "share" not in done["released"], "under solo there is no canary"
    # what was set is taken out again, too
    (home(tmp_path, "ada") / "config.toml").write_text("")
    sc(tmp_path, "ada", "evolve")
    assert machine(tmp_path, "ada").hub.state().settings == {"policy": "solo"}
