"""Sharing with a group's hub: consent, seal, receipts, withdrawal, through commands and files."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from cli import fails, ok, ok_json, skillclaw
from group import Group, imported

from skillclaw.errors import SkillClawError, VerifyError
from skillclaw.hub import keys
from skillclaw.hub.sealed import get_session, open_sealed, private_key
from skillclaw.hub.store import Store

pytestmark = pytest.mark.live


@pytest.fixture
def group(tmp_path: Path) -> Group:
    return Group.make(tmp_path)


@pytest.fixture
def ada(tmp_path: Path, group: Group) -> Path:
    home = tmp_path / "ada"
    home.mkdir()
    group.admit(home)
    return home


def allowed(home: Path) -> None:
    """Everything, older sessions too."""
    ok("config", "set", "share.default", "redacted", home=home)
    ok("share", "allow", "--hub", "team", "--past", home=home)


def test_nothing_leaves_until_the_hub_was_allowed(ada: Path, group: Group) -> None:
    imported(ada, 1, 2)
    ok("config", "set", "share.default", "redacted", home=ada)
    assert ok_json("share", "send", home=ada)[0]["sent"] == 0
    assert group.objects() == []
    (row,) = ok_json("share", "status", home=ada)["rows"]
    assert (row["allowed"], row["rule"], row["sessions"]) == (False, "share.hubs.team", 2)


def test_a_shared_session_is_read_by_the_evolver_alone(ada: Path, group: Group) -> None:
    secret = "sk-" + "proj-" + "Zq8Lk2Vn5Bx1Cw7Ym4Tj9Rp3Gd6Hs0" * 2
    (key,) = imported(ada, 1, text=f"ask http://db.corp.example:5432/x with {secret} for")
    allowed(ada)
    seen = ok_json("sessions", "preview", key, "--hub", "team", home=ada)
    (report,) = ok_json("share", "send", home=ada)
    assert (report["sent"], report["waiting"], report["error"]) == (1, 0, "")
    (name,) = group.objects()
    opened = group.opened(name)
    assert opened.body.decode() == seen["body"], "the preview is what left, byte for byte"
    assert seen["object"] == name
    assert seen["allowed"]
    assert secret not in seen["body"]
    assert "corp.example" not in seen["body"]
    assert '"till"' not in seen["body"], "nor is the project told by name"
    member = keys.load(ada / ".skillclaw" / "keys", group.id, "member")
    assert member is not None
    assert opened.signer == keys.public_hex(member)
    (receipt,) = ok_json("sessions", "receipts", key, home=ada)
    data = (group.folder / name).read_bytes()
    assert receipt["sha256"] == hashlib.sha256(data).hexdigest()
    assert receipt["bytes"] == len(data)
    assert receipt["object"] == name
    assert receipt["rule"] == "share.default"
    assert receipt["masked"] == seen["masked"]
    assert receipt["masked"]["host"] == 1
    assert ok_json("sessions", "list", home=ada)[0]["shared"]
    assert secret.encode() not in data
    assert b"npm test" not in data


@pytest.mark.slow
def test_no_other_key_opens_it_and_no_flipped_bit_passes(ada: Path, group: Group) -> None:
    imported(ada, 1)
    allowed(ada)
    ok("share", "send", home=ada)
    (name,) = group.objects()
    data = get_session(group.hub, name)
    assert data is not None
    right = keys.load(group.owner / "evolver-1", group.id, "sealing")
    assert right is not None
    key = private_key(right)
    for at, bit in ((at, bit) for at in range(len(data)) for bit in range(8)):
        broken = bytearray(data)
        broken[at] ^= 1 << bit
        with pytest.raises(SkillClawError):  # a newer format, or broken
            open_sealed(bytes(broken), key, group=group.id, name=name)
    other = private_key(keys.SigningKey.generate())
    with pytest.raises(VerifyError):
        open_sealed(data, other, group=group.id, name=name)
    moved = name[:-1] + ("0" if name[-1] != "0" else "1")
    for wrong in ({"group": "0" * 32, "name": name}, {"group": group.id, "name": moved}):
        with pytest.raises(VerifyError):
            open_sealed(data, key, **wrong)
    with pytest.raises(VerifyError):
        open_sealed(data[:-1], key, group=group.id, name=name)


def test_sending_again_sends_nothing(ada: Path, group: Group) -> None:
    imported(ada, 1, 2)
    allowed(ada)
    assert ok_json("share", "send", home=ada)[0]["sent"] == 2
    assert ok_json("share", "send", home=ada)[0]["sent"] == 0
    assert len(group.objects()) == len(ok_json("sessions", "receipts", home=ada)) == 2


def test_consent_does_not_reach_back_unless_it_is_asked_for(ada: Path, group: Group) -> None:
    old, other = imported(ada, 1, 2)
    ok("config", "set", "share.default", "redacted", home=ada)
    done = ok_json("share", "allow", "--hub", "team", home=ada)
    assert (done["open"], done["past"]) == (0, 2)
    assert ok_json("share", "send", home=ada)[0]["sent"] == 0
    ok("sessions", "share", old, "--allow", home=ada)
    ok("share", "send", home=ada)
    assert [one["session"] for one in ok_json("sessions", "receipts", home=ada)] == [old]
    assert ok_json("share", "allow", "--hub", "team", "--past", home=ada)["past"] == 0
    ok("share", "send", home=ada)
    assert {one["session"] for one in ok_json("sessions", "receipts", home=ada)} == {old, other}


@pytest.mark.slow
def test_sessions_of_a_clock_that_was_ahead_are_from_before(ada: Path, group: Group) -> None:
    soon = time.time() + 12  # until then the consent is given

    def imports(number: int, began: float) -> None:
        one = session("", number, f"run the tests {number}", [Ran("npm test", 0, "ok")], project="till")
        del one["extra"]["skillclaw"]["user"]
        one["session_id"] = f"native-{number}"
        one["steps"][0]["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began))
        ok("import", str(write(ada / f"s{number}.jsonl", [one])), home=ada)

    imports(1, soon)
    imports(2, soon + 10 * 365 * 86400)
    ok("config", "set", "share.default", "redacted", home=ada)
    assert ok_json("share", "allow", "--hub", "team", home=ada)["past"] == 2
    assert time.time() < soon
    imports(3, soon + 86400)
    time.sleep(max(0.0, soon + 2 - time.time()))
    imports(4, time.time())

    def leaves() -> dict[str, bool]:
        rows = {row["native_id"]: row["id"] for row in ok_json("sessions", "list", home=ada)}
        told = {n: ok_json("sessions", "preview", key, "--hub", "team", home=ada) for n, key in rows.items()}
        return {name[-1]: one["allowed"] for name, one in sorted(told.items())}

    assert leaves() == {"1": False, "2": False, "3": False, "4": True}
    assert ok_json("share", "send", home=ada)[0]["sent"] == 0
    assert ok_json("share", "allow", "--hub", "team", "--past", home=ada)["past"] == 0
    assert leaves() == dict.fromkeys("1234", True)


@pytest.mark.slow
def test_a_word_on_one_session_is_no_word_to_a_hub_that_is_allowed_later(
    ada: Path, group: Group, tmp_path: Path
) -> None:
    (old,) = imported(ada, 1)
    ok("config", "set", "share.default", "redacted", home=ada)
    ok("share", "allow", "--hub", "team", home=ada)
    ok("sessions", "share", old, "--allow", home=ada)
    ok("share", "send", home=ada)
    assert len(group.objects()) == 1
    second = Group.make(tmp_path / "second")
    second.admit(ada, "second")
    time.sleep(1.1)  # consent counts in seconds
    ok("share", "allow", "--hub", "second", home=ada)
    ok("share", "send", home=ada)
    assert second.objects() == []
    ok("sessions", "share", old, "--allow", home=ada)
    ok("share", "send", home=ada)
    (name,) = second.objects()
    assert name.rpartition("/")[2] != group.objects()[0].rpartition("/")[2], (
        "no name tells that it is the same"
    )


def test_consent_is_for_one_group_and_never_for_another_in_its_place(
    ada: Path, group: Group, tmp_path: Path
) -> None:
    imported(ada, 1)
    allowed(ada)
    other = Group.make(tmp_path / "elsewhere")
    other.admit(ada)
    (report,) = ok_json("share", "send", home=ada)
    assert (report["sent"], report["queued"]) == (0, 0)
    assert other.objects() == []
    (row,) = ok_json("share", "status", home=ada)["rows"]
    assert "another group" in row["why"]
    ok("config", "set", "hubs.second.url", str(group.folder), home=ada)
    ok("share", "send", home=ada)
    assert group.objects() == [], "nor for the same group under another name"


@pytest.mark.slow
def test_rules_by_agent_and_project_and_one_session(ada: Path, group: Group) -> None:
    (till,) = imported(ada, 1, project="till")
    (diary,) = imported(ada, 2, project="diary")
    (never,) = imported(ada, 3, project="till")
    ok("share", "allow", "--hub", "team", "--project", "Till", "--past", home=ada)
    ok("sessions", "share", never, "--never", home=ada)
    ok("share", "send", home=ada)
    assert [one["session"] for one in ok_json("sessions", "receipts", home=ada)] == [till]
    rows = {(r["project"], r["rule"]): r["allowed"] for r in ok_json("share", "status", home=ada)["rows"]}
    assert rows == {
        ("till", "share.projects.Till"): True,
        ("diary", "share.default"): False,
        ("till", "session"): False,
    }
    ok("share", "deny", "--agent", "claude-code", home=ada)
    assert not any(r["allowed"] for r in ok_json("share", "status", home=ada)["rows"])
    assert diary


def test_the_groups_log_only_tightens(ada: Path, group: Group) -> None:
    imported(ada, 1, project="till")
    imported(ada, 2, project="shop")
    group.hub.commit("settings", {"share": {"projects": {"till": "off"}}}, role="owner")
    allowed(ada)
    ok("share", "send", home=ada)
    assert len(group.objects()) == 1
    group.hub.commit("settings", {"share": {"words": ["of a later version"]}}, role="owner")
    imported(ada, 3, project="shop")
    ok("share", "send", home=ada)
    assert len(group.objects()) == 1, "what is not understood is no permission"


def test_another_persons_session_is_never_shared(ada: Path, group: Group) -> None:
    from atif_sessions import Ran, session, write

    ok("import", str(write(ada / "x.jsonl", [session("bob", 1, "x", [Ran("ls")])])), home=ada)
    allowed(ada)
    ok("share", "send", home=ada)
    assert group.objects() == []


@pytest.mark.slow
def test_a_machine_that_is_no_member_and_a_group_without_evolver_send_nothing(tmp_path: Path) -> None:
    group = Group.make(tmp_path, evolver=False)
    home = tmp_path / "ada"
    home.mkdir()
    ok("config", "set", "hubs.team.url", str(group.folder), home=home)
    imported(home, 1)
    allowed(home)
    done = skillclaw("share", "send", home=home)
    assert done.returncode == 1
    assert "no evolver" in done.stderr
    group.admit_evolver("evolver-1")
    assert "no member" in skillclaw("share", "send", home=home).stderr
    group.admit(home)
    assert ok_json("share", "send", home=home)[0]["sent"] == 1
    member = keys.load(home / ".skillclaw" / "keys", group.id, "member")
    assert member is not None
    group.hub.commit("key-revoke", {"public": keys.public_hex(member)}, role="owner")
    imported(home, 2)
    assert "revoked" in skillclaw("share", "send", home=home).stderr


def test_the_personal_hub_gets_no_session(ada: Path) -> None:
    imported(ada, 1)
    ok("evolve", home=ada)
    own = ada / ".skillclaw" / "hub"
    ok("config", "set", "hubs.mine.url", str(own), home=ada)
    assert "personal" in fails("share", "allow", "--hub", "mine", home=ada)
    ok("config", "set", "share.hubs.mine", "redacted", home=ada)
    ok("config", "set", "share.default", "redacted", home=ada)
    assert skillclaw("share", "send", "--hub", "mine", home=ada).returncode == 1
    assert not (own / "sessions").exists()


def test_what_was_denied_leaves_the_outbox_at_once(ada: Path, group: Group) -> None:
    imported(ada, 1, 2)
    allowed(ada)
    away = group.folder.rename(group.folder.with_name("away"))
    done = skillclaw("share", "send", "--json", home=ada)
    assert done.returncode == 1
    assert "could not be opened" in json.loads(done.stdout)[0]["error"]
    away.rename(group.folder)
    block = group.folder / "sessions"
    block.write_bytes(b"")  # a file where the folder has to be: every put fails
    done = skillclaw("share", "send", "--json", home=ada)
    assert done.returncode == 1
    (report,) = json.loads(done.stdout)
    assert (report["queued"], report["sent"], report["waiting"]) == (2, 0, 2)
    assert not any(row["shared"] for row in ok_json("sessions", "list", home=ada))
    ok("config", "set", "share.hubs.team", "off", home=ada)
    block.unlink()
    database = sqlite3.connect(ada / ".skillclaw" / "sessions.db")
    left = database.execute("SELECT state, length(body) FROM outbox").fetchall()
    assert set(left) <= {("undo", 0)}, "no byte of it waits to leave"
    database.close()
    ok("share", "send", home=ada)
    assert group.objects() == []
    ok("share", "allow", "--hub", "team", "--past", home=ada)
    assert ok_json("share", "send", home=ada)[0]["sent"] == 2


def test_a_failed_put_stays_queued_and_is_sent_once(ada: Path, group: Group) -> None:
    imported(ada, 1)
    allowed(ada)
    block = group.folder / "sessions"
    block.write_bytes(b"")
    assert skillclaw("share", "send", home=ada).returncode == 1
    block.unlink()
    (report,) = ok_json("share", "send", home=ada)
    assert (report["sent"], report["queued"], report["waiting"]) == (1, 0, 0)
    assert len(group.objects()) == 1


@pytest.mark.slow
def test_a_new_key_of_the_evolver_is_used_for_what_still_waits(ada: Path, group: Group) -> None:
    imported(ada, 1)
    allowed(ada)
    block = group.folder / "sessions"
    block.write_bytes(b"")
    assert skillclaw("share", "send", home=ada).returncode == 1
    block.unlink()
    group.admit_evolver("evolver-2")
    ok("share", "send", home=ada)
    (name,) = group.objects()
    assert group.read(name, by="evolver-2")["session_id"] == "native-1"


def test_receipts_cannot_be_changed(ada: Path, group: Group) -> None:
    imported(ada, 1)
    allowed(ada)
    ok("share", "send", home=ada)
    path = ada / ".skillclaw" / "sessions.db"
    assert path.stat().st_mode & 0o077 == 0
    database = sqlite3.connect(path)
    for statement in ("DELETE FROM receipts", "UPDATE receipts SET bytes = 0"):
        with pytest.raises(sqlite3.IntegrityError):
            database.execute(statement)
    database.close()
    for path in (ada / ".skillclaw").rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path


def test_another_object_in_its_place_is_an_error_and_stays(ada: Path, group: Group) -> None:
    (key,) = imported(ada, 1)
    allowed(ada)
    name = ok_json("sessions", "preview", key, "--hub", "team", home=ada)["object"]
    Store(str(group.folder)).put(name, b"somebody else's")
    done = skillclaw("share", "send", home=ada)
    assert done.returncode == 1
    assert "Another object" in done.stderr
    ok("sessions", "forget", key, "--yes", home=ada)
    assert (group.folder / name).read_bytes() == b"somebody else's"


@pytest.mark.slow
def test_one_place_that_is_taken_does_not_keep_the_others(ada: Path, group: Group) -> None:
    first, second = imported(ada, 1, 2)
    allowed(ada)
    name = ok_json("sessions", "preview", first, "--hub", "team", home=ada)["object"]
    Store(str(group.folder)).put(name, b"somebody else's")
    assert skillclaw("share", "send", home=ada).returncode == 1
    assert [one["session"] for one in ok_json("sessions", "receipts", home=ada)] == [second]
