"""The care of a library through a cycle: descriptions, merges, retirements, and what stays as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import zstandard
from atif_sessions import Ran, session, write
from cli import fails, ok, ok_json

from skillclaw.agents import Env
from skillclaw.cli.schemas import schemas
from skillclaw.errors import BadInputError
from skillclaw.evolve.cycle import run_cycle
from skillclaw.evolve.report import CycleReport
from skillclaw.server.machine import Machine
from skillclaw.server.review.decisions import rollback
from skillclaw.server.sessions.intake import import_paths
from skillclaw.server.work import cycle_inputs
from skillclaw.skills.bundle import version
from skillclaw.skills.frontmatter import Head, parse, render
from skillclaw.skills.items import DESCRIPTION, item_id, markdown, replace_text
from skillclaw.skills.records import Bundle, File, Item, Proposal, Ref, Sidecar, Verdict

NOW = datetime.now(UTC)

INVOICES = (
    "send the invoice for {} to the customer",
    "write an invoice over the hours of {}",
    "which invoice of {} is overdue",
    "remind {} of the overdue invoice",
    "refund the payment of {}",
    "has {} made the payment yet",
    "correct the amount on the invoice for {}",
    "book the payment that came from {}",
)
MEETINGS = (
    "schedule a meeting with {}",
    "move my meeting with {} to the afternoon",
    "cancel the meeting with {}",
    "when is my next meeting with {}",
    "invite {} to the calendar event",
    "find a free slot in the calendar for {}",
)
NAMES = ("Dana", "Kofi", "Lin", "Omar")


class House:
    """One machine with its hub and sessions; skills are put there as an engine's releases."""

    def __init__(self, path: Path, environ: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.machine = Machine(path / ".skillclaw", environ={"HOME": str(path), **(environ or {})})
        self.machine.prepare()
        self.asked: dict[str, list[Ref]] = {}
        self._count = 0

    def sessions(self, made: Sequence[dict[str, Any]]) -> None:
        self._count += 1
        import_paths(self.machine, Env.current(), [write(self.path / f"s{self._count}.jsonl", made)])

    def talk(self, topic: str, requests: Sequence[str], ran: Ran, **more: Any) -> list[Ref]:
        """Sessions of three users, one for each request and name; gives references to them."""
        made = []
        for number, request in enumerate(requests):
            for at, name in enumerate(NAMES):
                user = "abc"[(number + at) % 3]
                one = session(user, number * 10 + at, request.format(name), [ran], **more)
                made.append({**one, "session_id": f"{topic}-{number}-{at}"})
        before = set(self.machine.sessions.changes())
        self.sessions(made)
        new = sorted(set(self.machine.sessions.changes()) - before)
        return [
            Ref(
                session=key,
                user=self._user(key),
                agent="claude-code",
                day="2026-11-12",
                steps=[2],
                success=True,
            )
            for key in new
        ]

    def packaged(self) -> None:
        """The real sessions of WorkBench that are in the package."""
        packed = files("skillclaw.bench").joinpath("demo/workbench.jsonl.zst").read_bytes()
        path = self.path / "workbench.jsonl"
        path.write_bytes(zstandard.ZstdDecompressor().stream_reader(packed).read())
        import_paths(self.machine, Env.current(), [path])

    def _user(self, key: str) -> str:
        extra: Any = self.machine.sessions.get(key).extra
        return str(extra["skillclaw"]["user"])

    def skill(
        self,
        name: str,
        description: str,
        lines: Sequence[str],
        refs: Sequence[Ref],
        *,
        ours: bool = True,
        personal: str = "",
        prose: str = "",
        head: str = "",
    ) -> None:
        """Release a skill whose lines cite these sessions; `personal` is a line without evidence, `prose` is
        text outside of the list, `head` a line of the frontmatter."""
        bullets = "".join(f"- {line}\n" for line in [*lines, *filter(None, [personal])])
        top = render(Head(name=name, description=description)).removesuffix("---\n") + f"{head}---\n"
        text = f"{top}\n# {name}\n\n## Facts\n\n{bullets}{prose}"
        bundle = Bundle(name=name, files=[File(path="SKILL.md", data=text.encode())])
        items = [
            Item(id=item_id(name, "fact", line), kind="fact", text=line, section="Facts", evidence=list(refs))
            for line in lines
        ]
        told = Item(
            id=item_id(name, "condition", description),
            kind="condition",
            text=description,
            section=DESCRIPTION,
            evidence=list(refs),
        )
        made = version(bundle)
        proposal = Proposal(
            id=f"made-{name}",
            action="create",
            skill=name,
            base=None,
            engine="extractive",
            why="made for a test",
            bundle=bundle,
            sidecar=Sidecar(
                skill=name, version=made, engine="extractive", items=[*([told] if ours else []), *items]
            ),
        )
        hub = self.machine.hub
        hub.propose(proposal)
        hub.record_verdicts(proposal.id, [Verdict(check="test", verdict="pass", reason="made")], "passed")
        hub.release(proposal.id)

    def cycle(self, days: float = 0, **more: Any) -> CycleReport:
        return run_cycle(**{**cycle_inputs(self.machine), "now": NOW + timedelta(days=days), **more})

    def current(self) -> set[str]:
        return {name for name, skill in self.machine.hub.state().skills.items() if skill.current}

    def text(self, name: str) -> str:
        skill = self.machine.hub.state().skills[name]
        release = skill.release(skill.current or "")
        assert release is not None
        return markdown(self.machine.hub.get_bundle(release))["SKILL.md"]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("HOME", str(tmp_path))
    return House(tmp_path)


def by_care(report: CycleReport) -> list[tuple[str, str, str]]:
    return [
        (one.proposal.action, one.proposal.skill, one.verdict)
        for one in report.proposals
        if one.proposal.engine == "care" and not one.known
    ]


def two_desks(house: House, *, ours: bool = True) -> None:
    """A skill for invoices that nobody would find by its description, and one for meetings that is found."""
    books = house.talk("books", INVOICES, Ran("books list --open", 0, "3 open"))
    diary = house.talk("diary", MEETINGS, Ran("diary show --today", 0, "2 meetings"))
    house.skill("ledger-work", "Ledger work: what to run.", ["Run `books list --open`."], books, ours=ours)
    house.skill(
        "diary-work",
        "Schedule, move and cancel a meeting in the calendar.",
        ["Run `diary show --today`."],
        diary,
    )


def test_a_description_that_misses_its_requests_gets_the_words_of_users(house: House) -> None:
    two_desks(house)
    report = house.cycle()
    assert ("describe", "ledger-work", "passed") in by_care(report)
    said = parse(house.text("ledger-work"))[0].description
    assert said.startswith("Ledger work: what to run. ")
    assert "invoice" in said and "payment" in said
    assert not any(name.lower() in said.lower() for name in NAMES), "names are values, not what is asked"
    (why,) = [one.proposal.why for one in report.proposals if one.proposal.action == "describe"]
    assert "held out" in why and "before: found 0 of" in why
    assert by_care(house.cycle()) == [], "a second cycle has nothing to do"
    (care,) = [one for one in report.care.skills if one.name == "ledger-work"]
    assert care.trigger is not None
    assert care.trigger.found > 0


def test_a_persons_own_description_waits_for_a_person(house: House) -> None:
    two_desks(house, ours=False)
    assert ("describe", "ledger-work", "held") in by_care(house.cycle())
    assert parse(house.text("ledger-work"))[0].description == "Ledger work: what to run."


def test_a_pinned_skill_is_left_alone(house: House) -> None:
    two_desks(house)
    house.machine.hub.commit("pin", {"skill": "ledger-work", "pinned": True}, role="owner")
    assert by_care(house.cycle()) == []


def doubles(house: House, **more: str) -> None:
    refs = house.talk("books", INVOICES, Ran("books list --open && books mail --late", 0, "3 open"))
    said = "Write, send and correct an invoice, book or refund a payment, remind of what is overdue."
    both = ["Run `books list --open` before anything else.", "Then run `books mail --late` for reminders."]
    house.skill("books-know-how", said, both, refs)
    house.skill(
        "invoice-know-how",
        said,
        [both[0], "Mail late ones with `books mail --late`."],
        refs[:20],
        **more,
    )


def test_two_skills_that_come_up_together_become_one_with_one_commit(house: House) -> None:
    doubles(house)
    report = house.cycle()
    merged = [one for one in report.proposals if one.proposal.engine == "care"]
    assert by_care(report) in (
        [("merge", "books-know-how", "passed")],
        [("retire", "invoice-know-how", "passed")],
    ), [one.reasons for one in merged]
    assert "invoice-know-how" not in house.current()
    assert "books-know-how" in house.current()
    assert by_care(house.cycle()) == []
    known = house.machine.hub.state().skills["invoice-know-how"]
    assert known.stage == "archived" and known.releases, "archived, not deleted"


def test_a_line_that_only_the_other_says_comes_along_and_goes_back(house: House) -> None:
    refs = house.talk(
        "books", INVOICES, Ran("books list --open && books mail --late && books close", 0, "ok")
    )
    said = "Write, send and correct an invoice, book or refund a payment, remind of what is overdue."
    base = ["Run `books list --open` before anything else.", "Then run `books mail --late` for reminders."]
    house.skill("books-know-how", said, base, refs)
    house.skill("invoice-know-how", said, [*base, "At the end run `books close`."], refs[:20])
    report = house.cycle()
    assert by_care(report) == [("merge", "books-know-how", "passed")], report.care
    assert "At the end run `books close`." in house.text("books-know-how")
    skill = house.machine.hub.state().skills["books-know-how"]
    release = skill.release(skill.current or "")
    assert release is not None
    sidecar = msgspec.json.decode(house.machine.hub.get_object(release.sidecar or ""), type=Sidecar)
    assert len(sidecar.parents) == 2
    moved = next(item for item in sidecar.items if "books close" in item.text)
    assert {ref.session for ref in moved.evidence} == {ref.session for ref in refs[:20]}
    house.machine.hub.rollback("books-know-how", release.base)
    assert house.current() >= {"books-know-how", "invoice-know-how"}


def test_a_merge_into_a_skill_with_a_laxer_policy_waits_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    house = House(tmp_path)
    refs = house.talk("books", INVOICES, Ran("books list --open && books mail && books close", 0, "ok"))
    said = "Write, send and correct an invoice, book or refund a payment, remind of what is overdue."
    base = ["Run `books list --open` before anything else.", "Then run `books mail` for reminders."]
    house.skill("books-know-how", said, base, refs)
    house.skill("invoice-know-how", said, [*base, "At the end run `books close`."], refs[:20])
    report = house.cycle(policies={"invoice-know-how": "team"})
    assert by_care(report) == [("merge", "books-know-how", "held")]
    (told,) = [v.reason for one in report.proposals for v in one.reasons if v.check == "policy"]
    assert told.startswith("It has lines of invoice-know-how, whose policy is 'team'; in books-know-how they")


@pytest.mark.parametrize(
    "own",
    [
        {"personal": "Ask Ms Tan before you refund anything."},
        {"prose": "\nAsk Ms Tan before you refund anything.\n"},
        {"prose": "\n```sh\nbooks list\n```\n"},
        {"prose": "\n| what | who |\n| --- | --- |\n| refunds | Ms Tan |\n"},
    ],
    ids=["a line", "a paragraph", "code", "a table"],
)
def test_a_skill_with_a_persons_line_is_not_merged_away(house: House, own: dict[str, str]) -> None:
    doubles(house, **own)
    report = house.cycle()
    assert by_care(report) == []
    assert any("stay apart" in note for note in report.notes), report.notes
    assert [(pair.keeps, pair.goes) for pair in report.care.duplicates] == [
        ("books-know-how", "invoice-know-how")
    ]


def test_a_session_that_is_damaged_by_now_stops_no_cycle(house: House) -> None:
    doubles(house)
    assert by_care(house.cycle(dry_run=True)), "cut, with all sessions as they were"
    house.cycle()
    with sqlite3.connect(house.machine.home / "sessions.db") as db:
        cited = min(house.machine.sessions.changes())
        assert db.execute("UPDATE sessions SET body = ? WHERE key = ?", (b"torn", cited)).rowcount == 1
    house.talk("meet", MEETINGS, Ran("cal add --quiet", 0, "ok"))
    assert house.cycle(full=True).care is not None
    assert "books-know-how" in house.current()


def test_what_is_released_is_what_was_judged_though_a_cycle_was_cut_off_before_its_verdict(
    house: House,
) -> None:
    house.packaged()
    (wanted,) = [one.proposal for one in house.cycle(dry_run=True).proposals if one.verdict == "passed"][:1]
    assert wanted.bundle is not None and wanted.sidecar is not None
    text = markdown(wanted.bundle)["SKILL.md"] + "- Run `git push --no-verify`.\n"
    other = replace_text(wanted.bundle, {"SKILL.md": text})
    sidecar = msgspec.structs.replace(wanted.sidecar, version=version(other))
    house.machine.hub.propose(msgspec.structs.replace(wanted, bundle=other, sidecar=sidecar))
    report = house.cycle()
    assert [one.verdict for one in report.proposals if one.proposal.skill == wanted.skill] == ["passed"]
    assert house.text(wanted.skill) == markdown(wanted.bundle)["SKILL.md"]
    assert by_care(house.cycle()) == []


def test_a_check_that_breaks_on_a_line_stops_no_cycle(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise ValueError("on this line")

    house.packaged()
    wanted = [one.verdict for one in house.cycle(dry_run=True).proposals]
    monkeypatch.setattr("skillclaw.gate.prune", breaks)
    assert len(house.cycle(dry_run=True).proposals) == len(wanted) > 0


@pytest.mark.parametrize("more", ["disable-model-invocation: true\n", ": [\n"])
def test_a_head_with_keys_of_a_host_or_that_nobody_can_read_gets_no_other_description(
    house: House, more: str
) -> None:
    refs = house.talk("books", INVOICES, Ran("books list --open", 0, "3 open"))
    house.skill("books-know-how", "Something else.", ["Run `books list --open`."], refs, head=more)
    house.skill("books-too", "Something other.", ["Run `books list --open` first."], refs)
    assert "books-know-how" not in {skill for _, skill, _ in by_care(house.cycle())}
    assert more in house.text("books-know-how")


def offered(
    house: House, name: str, *, body: str = "", good: int = 30, start: int = 0, users: str = "abc"
) -> None:
    """Thirty sessions after the release that were offered the skill, and with `body` read it; `good` of them
    succeed, but of users in capitals none does."""
    made = []
    for number in range(30):
        outcome = "success" if number < good else "failure"
        user = users[number % len(users)]
        outcome = "failure" if user.isupper() else outcome
        one = session(
            user, number, "tell me how warm it is outside", [Ran("weather now", 0, "12")], outcome=outcome
        )
        day = (NOW + timedelta(days=2 + number % 5)).date().isoformat()
        listed = f"The following skills are available:\n\n- {name}: {name}.\n"
        steps = [{"step_id": 1, "source": "system", "message": listed, "timestamp": f"{day}T09:00:00Z"}]
        for step in one["steps"]:
            steps.append({**step, "step_id": len(steps) + 1})
        if body:
            call = {"tool_call_id": "sk", "function_name": "Skill", "arguments": {"skill": name}}
            result = {"source_call_id": "sk", "content": body}
            steps.insert(
                2,
                {
                    "step_id": 3,
                    "source": "agent",
                    "message": "",
                    "model_name": "scripted",
                    "tool_calls": [call],
                    "observation": {"results": [result]},
                },
            )
            steps = [{**step, "step_id": place} for place, step in enumerate(steps, 1)]
        made.append({**one, "session_id": f"w-{start}-{number}", "steps": steps})
    house.sessions(made)


@pytest.mark.slow
def test_what_care_retired_is_not_made_again_from_what_was_there(house: House) -> None:
    house.packaged()
    house.cycle()
    assert "email-know-how" in house.current()
    offered(house, "email-know-how")
    assert ("retire", "email-know-how", "passed") in by_care(house.cycle(days=40))
    later = NOW + timedelta(days=41)
    report = run_cycle(**{**cycle_inputs(house.machine), "now": later, "full": True})
    assert "email-know-how" not in {one.proposal.skill for one in report.proposals}
    assert any(note.startswith("email-know-how was retired on") for note in report.notes), report.notes
    assert "email-know-how" not in house.current()


def test_a_skill_that_nobody_reads_is_archived_after_a_month(house: House) -> None:
    refs = house.talk("diary", MEETINGS, Ran("diary show --today", 0, "2 meetings"))
    house.skill(
        "diary-work",
        "Schedule, move and cancel a meeting in the calendar.",
        ["Run `diary show --today`."],
        refs,
    )
    offered(house, "diary-work")
    assert by_care(house.cycle(days=20)) == [], "too young to be judged"
    report = house.cycle(days=40)
    assert by_care(report) == [("retire", "diary-work", "passed")]
    (one,) = [one for one in report.proposals if one.proposal.engine == "care"]
    assert "offered in 30 sessions of 3 users" in one.proposal.why
    assert "diary-work" not in house.current()
    kept = house.machine.hub.state().skills["diary-work"].releases[-1].version
    rollback(house.machine, "diary-work", kept[:12])
    assert "diary-work" in house.current()
    assert by_care(house.cycle(days=90)) == [], "who brought it back decides"
    assert "diary-work" in house.current()


def test_a_skill_that_was_read_is_not_unused(house: House) -> None:
    refs = house.talk("diary", MEETINGS, Ran("diary show --today", 0, "2 meetings"))
    house.skill(
        "diary-work",
        "Schedule, move and cancel a meeting in the calendar.",
        ["Run `diary show --today`."],
        refs,
    )
    offered(house, "diary-work", body=house.text("diary-work"))
    assert by_care(house.cycle(days=40)) == []


def test_a_skill_with_which_sessions_fail_is_archived_and_the_figures_say_why(house: House) -> None:
    refs = house.talk("diary", MEETINGS, Ran("diary show --today", 0, "2 meetings"))
    house.skill(
        "diary-work",
        "Schedule, move and cancel a meeting in the calendar.",
        ["Run `diary show --today`."],
        refs,
    )
    offered(house, "diary-work", body=house.text("diary-work"), good=3)
    offered(house, "diary-work", good=27, start=1)
    report = house.cycle(days=8)
    assert by_care(report) == [("retire", "diary-work", "passed")], report.effects
    (one,) = [one for one in report.proposals if one.proposal.engine == "care"]
    assert "3 of 30, against 27 of 30" in one.proposal.why
    assert "Agents choose" in one.proposal.why


@pytest.mark.slow
@pytest.mark.parametrize(("users", "good", "retired"), [("AAb", 29, []), ("abc", 3, ["diary-work"])])
def test_one_member_who_fails_all_the_time_takes_no_skill_from_a_group(
    house: House, users: str, good: int, retired: list[str]
) -> None:
    refs = house.talk("diary", MEETINGS, Ran("diary show --today", 0, "2 meetings"))
    house.skill("diary-work", "Schedule and cancel a meeting.", ["Run `diary show --today`."], refs)
    offered(house, "diary-work", body=house.text("diary-work"), good=good, users=users)
    offered(house, "diary-work", good=27, start=1)
    report = house.cycle(days=8, policy="team")
    (effect,) = [one for one in report.effects if one.skill == "diary-work"]
    assert effect.users >= 2 and effect.ci is not None and effect.ci[1] < 1
    assert [name for _, name, _ in by_care(report)] == retired


@pytest.mark.slow
def test_one_member_who_succeeds_without_a_skill_all_the_time_takes_it_from_nobody(house: House) -> None:
    refs = house.talk("diary", MEETINGS, Ran("diary show --today", 0, "2 meetings"))
    house.skill("diary-work", "Schedule and cancel a meeting.", ["Run `diary show --today`."], refs)
    offered(house, "diary-work", body=house.text("diary-work"), good=15)
    offered(house, "diary-work", good=15, start=1)
    for start in range(2, 6):
        offered(house, "diary-work", start=start, users="d")
    report = house.cycle(days=8, policy="team")
    (effect,) = [one for one in report.effects if one.skill == "diary-work"]
    assert effect.with_success == 15 and effect.without_success > 0.7 * effect.without_n
    assert effect.ci is not None and effect.ci[1] < 1
    assert by_care(report) == []


@pytest.mark.slow
def test_the_command_tells_what_the_cycle_found(house: House) -> None:
    assert "skillclaw evolve" in fails("skills", "care", home=house.path, code=2)
    two_desks(house)
    ok("config", "set", "evolve.descriptions", "10", home=house.path)
    told = ok("evolve", home=house.path)
    assert "evolve.descriptions is 10" in told
    found = ok_json("skills", "care", home=house.path)
    definitions = msgspec.json.decode(schemas())
    jsonschema.validate(found, {"$ref": "#/$defs/CareReport", "$defs": definitions["$defs"]})
    assert [skill["name"] for skill in found["skills"]] == ["diary-work", "ledger-work"]
    shown = ok("skills", "care", home=house.path)
    assert "not measured" not in shown.splitlines()[2]
    assert "of 10 that evolve.descriptions allows" in shown


@pytest.mark.slow
def test_the_search_describes_what_extractive_writes_and_gives_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("gepa")
    texts = []
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        house = House(tmp_path / place)
        house.packaged()
        report = run_cycle(**{**cycle_inputs(house.machine), "now": NOW, "engine": "gepa"})
        assert {one.proposal.engine for one in report.proposals} <= {"gepa", "extractive", "care"}
        assert {one.verdict for one in report.proposals} == {"passed"}
        texts.append({name: house.text(name) for name in house.current()})
    assert texts[0] == texts[1] != {}


def test_a_skill_does_not_go_for_one_that_says_the_same_and_went_meanwhile(house: House) -> None:
    refs = house.talk("books", INVOICES, Ran("books list --open && books mail --late", 0, "3 open"))
    said = "Write, send and correct an invoice, book or refund a payment, remind of what is overdue."
    lines = ["Run `books list --open` before anything else.", "Then run `books mail --late` for reminders."]
    house.skill("books-know-how", said, lines, refs)
    house.skill("invoice-know-how", said, lines, refs)
    strict = {"invoice-know-how": "strict"}
    (waits,) = [one for one in house.cycle(policies=strict).proposals if one.proposal.engine == "care"]
    assert (waits.proposal.action, waits.verdict) == ("retire", "held"), waits.reasons
    assert not any("speak against" in one.reason for one in waits.reasons)
    hub, keeps = house.machine.hub, "books-know-how"
    hub.commit("archive", {"skill": keeps, "base": hub.state().skills[keeps].current}, role="owner")
    with pytest.raises(BadInputError, match="outdated"):
        hub.approve(waits.proposal.id)
    house.cycle(policies=strict)
    assert hub.state().proposals[waits.proposal.id].status == "held", "what went may be brought back"
    assert "invoice-know-how" in house.current()
