"""Sharing and forgetting at the same moment; what a group's log may not say."""

from __future__ import annotations

from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from attacks import readable_below
from cli import ok, ok_json, skillclaw
from group import Group, imported

from skillclaw.journal.grants import load_grants
from skillclaw.journal.share_rules import Grant, HubView, Subject, decide
from skillclaw.server.machine import Machine
from skillclaw.server.sessions.forgetting import choose, forget
from skillclaw.server.sharing.sending import share
from skillclaw.server.sharing.view import bound, current, open_hub
from skillclaw.settings import ShareSettings, set_value

pytestmark = pytest.mark.live


def test_what_is_sent_while_it_is_forgotten_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = Group.make(tmp_path)
    ada = tmp_path / "ada"
    ada.mkdir()
    group.admit(ada)
    (key,) = imported(ada, 1)
    ok("config", "set", "share.default", "redacted", home=ada)
    ok("share", "allow", "--hub", "team", "--past", home=ada)
    machine = Machine(ada / ".skillclaw")
    recall = machine.outbox.recall
    sent: list[int] = []

    def with_a_sender_behind_it(keys: list[str]) -> None:
        recall(keys)
        if not sent:  # another process, between this step and the next
            sent.extend(report.sent for report in share(Machine(ada / ".skillclaw")))

    monkeypatch.setattr(machine.outbox, "recall", with_a_sender_behind_it)
    forget(machine, choose(machine, [key]))
    assert sent == [1], "it had left meanwhile"
    assert group.objects() == []
    (receipt,) = machine.outbox.receipts(key)
    assert receipt.withdrawn


@pytest.mark.parametrize("rules", [{"hubs": {"team": "off"}}, {"hubs": {"x": "redacted"}}])
def test_a_group_that_speaks_of_hubs_is_not_understood_so_nothing_goes(rules: dict[str, object]) -> None:
    settings = ShareSettings(default="redacted", hubs={"team": "redacted"})
    grants = {"hubs.team": Grant(value="redacted", group="g")}
    one = Subject(key="k", agent="codex", started="2026")
    assert decide(settings, HubView(name="team", group="g", grants=grants), one).allowed
    told = HubView(name="team", group="g", settings={"share": rules}, grants=grants)
    assert decide(settings, told, one).rule == "hub"


def test_a_permission_taken_back_while_a_hub_is_opened_stays_taken_back(tmp_path: Path) -> None:
    group = Group.make(tmp_path)
    ada = tmp_path / "ada"
    ada.mkdir()
    group.admit(ada)
    ok("config", "set", "share.hubs.team", "redacted", home=ada)
    machine = Machine(ada / ".skillclaw")
    settings, grants = current(machine)
    assert grants["hubs.team"].group == ""
    opened = open_hub(machine, settings, "team")
    set_value(machine.home, "share.hubs.team", "off")
    set_value(machine.home, "share.agents.codex", "redacted")
    kept = current(Machine(machine.home))[1]
    bound(machine, opened, grants)
    assert load_grants(machine.home) == kept, "nothing that was read before is written over it"


def test_the_name_that_the_user_gave_is_masked_like_the_accounts(tmp_path: Path) -> None:
    ok("config", "set", "user", "Ada Lovelace", home=tmp_path)
    machine = Machine(tmp_path / ".skillclaw")
    assert "Lovelace" not in machine.redactor.text("git config user.name=Ada Lovelace")[0]


@pytest.mark.slow
def test_what_the_personal_hub_keeps_of_a_forgotten_session_is_told(tmp_path: Path) -> None:
    fixed = (
        Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
        Ran("npm ci", 0, "added 12 packages"),
        Ran("npm test", 0, "12 passing"),
    )
    write(tmp_path / "s.jsonl", [session("ada", n, "run the tests", fixed) for n in range(5)])
    ok("import", str(tmp_path / "s.jsonl"), home=tmp_path)
    ok("evolve", home=tmp_path)
    told = ok("sessions", "forget", "--all", "--yes", home=tmp_path)
    left = b"".join(readable_below(tmp_path / ".skillclaw" / "hub").values())
    assert b"left-pad" in left, "it is there still"
    assert "lines that they quote" in told


def test_a_damaged_record_of_consent_keeps_nothing_from_being_forgotten(tmp_path: Path) -> None:
    group = Group.make(tmp_path)
    ada = tmp_path / "ada"
    ada.mkdir()
    group.admit(ada)
    (key,) = imported(ada, 1)
    ok("config", "set", "share.default", "redacted", home=ada)
    ok("share", "allow", "--hub", "team", "--past", home=ada)
    ok("share", "send", home=ada)
    assert len(group.objects()) == 1
    (ada / ".skillclaw" / "sharing.json").write_bytes(b"{")
    ok("sessions", "forget", key, "--yes", home=ada)
    assert group.objects() == []


def test_a_running_process_masks_by_the_rules_of_now(tmp_path: Path) -> None:
    group = Group.make(tmp_path)
    ada = tmp_path / "ada"
    ada.mkdir()
    group.admit(ada)
    running = Machine(ada / ".skillclaw")
    assert "bluebird" in running.redactor.text("the bluebird plan")[0]
    ok("config", "set", "share.default", "redacted", home=ada)
    ok("share", "allow", "--hub", "team", "--past", home=ada)
    (key,) = imported(ada, 1, text="the bluebird plan")
    ok("sessions", "share", key, "--allow", home=ada)
    ok("config", "set", "redact.words", '["bluebird"]', home=ada)
    seen = ok_json("sessions", "preview", key, "--hub", "team", home=ada)["body"]
    assert "bluebird" not in seen
    assert [report.sent for report in share(running)] == [1]
    (name,) = group.objects()
    assert group.opened(name).body.decode() == seen, "the preview is what left"


@pytest.mark.slow
def test_what_waits_is_masked_anew_by_rules_that_came_since(tmp_path: Path) -> None:
    group = Group.make(tmp_path)
    ada = tmp_path / "ada"
    ada.mkdir()
    group.admit(ada)
    imported(ada, 1, text="the bluebird plan")
    ok("config", "set", "share.default", "redacted", home=ada)
    ok("share", "allow", "--hub", "team", "--past", home=ada)
    block = group.folder / "sessions"
    block.write_bytes(b"")  # a file where the folder has to be: every put fails
    assert skillclaw("share", "send", home=ada).returncode == 1
    block.unlink()
    ok("config", "set", "redact.words", '["bluebird"]', home=ada)
    ok("share", "send", home=ada)
    (name,) = group.objects()
    assert "bluebird" not in group.opened(name).body.decode()
    assert len(ok_json("sessions", "receipts", home=ada)) == 1
