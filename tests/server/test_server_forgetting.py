"""Forgetting: the store, the journal, the outbox, the hubs; and what the user is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import zstandard
from atif_sessions import Ran, session, write
from cli import fails, ok, ok_json, skillclaw
from group import Group, imported

from skillclaw.hub import keys
from skillclaw.journal import segment
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter

pytestmark = pytest.mark.live

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and limits")


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
    ok("config", "set", "share.default", "redacted", home=home)
    ok("share", "allow", "--hub", "team", "--past", home=home)


def turn(words: str, at: float, path: str = "/v1/chat/completions") -> Exchange:
    body = {"model": "m", "messages": [{"role": "user", "content": words}]}
    reply = {
        "choices": [{"message": {"role": "assistant", "content": f"re: {words}"}, "finish_reason": "stop"}]
    }
    return Exchange(
        id=f"{int(at):016x}",
        agent="generic",
        method="POST",
        path=path,
        started=at,
        finished=at + 1,
        request_body=json.dumps(body).encode(),
        status=200,
        response_headers=[("content-type", "application/json")],
        response_body=json.dumps(reply).encode(),
    )


def record(home: Path, *exchanges: Exchange) -> None:
    writer = JournalWriter(home / ".skillclaw" / "journal", max_mb=100)
    for one in exchanges:
        writer.put(one)
    writer.close()


def journal(home: Path) -> bytes:
    folder = home / ".skillclaw" / "journal"
    found = []
    for number in segment.segments(folder):
        with segment.path_of(folder, number).open("rb") as file:
            for frame in segment.frames(file):
                assert not isinstance(frame, str)
                found.append(zstandard.ZstdDecompressor().decompress(frame.payload))
    return b"".join(found)


def everything(home: Path) -> bytes:
    """The files of SkillClaw's home, with what is packed in the database unpacked."""
    found = [path.read_bytes() for path in (home / ".skillclaw").rglob("*") if path.is_file()]
    return b"".join(found) + journal(home)


def test_raw_exchanges_of_a_forgotten_session_are_gone_and_others_stay(tmp_path: Path) -> None:
    record(
        tmp_path,
        turn("tell me about the plum pudding of my aunt", 1_795_444_690.0),
        turn("tell me about the weather in the mountains", 1_795_444_790.0),
        turn("tell me about the plum pudding of my aunt", 1_795_444_795.0, "/v1/responses/input_tokens"),
    )
    rows = ok_json("sessions", "list", home=tmp_path)
    assert len(rows) == 2
    plum = next(r["id"] for r in rows if "plum" in ok("sessions", "show", r["id"], home=tmp_path))
    assert b"plum pudding" in journal(tmp_path)
    done = ok_json("sessions", "forget", plum, "--yes", home=tmp_path)
    assert done["raw"] == 2, "the token count is of the session too"
    assert b"plum pudding" not in everything(tmp_path)
    assert b"the weather" in journal(tmp_path)
    assert len(ok_json("sessions", "list", home=tmp_path)) == 1


def test_a_forgotten_session_that_goes_on_leaves_nothing_either(tmp_path: Path) -> None:
    record(tmp_path, turn("tell me about the plum pudding of my aunt", 1_795_444_690.0))
    (row,) = ok_json("sessions", "list", home=tmp_path)
    ok("sessions", "forget", row["id"], "--yes", home=tmp_path)
    record(tmp_path, turn("tell me about the plum pudding of my aunt", 1_795_444_695.0))
    assert ok_json("sessions", "list", home=tmp_path) == []
    record(tmp_path, turn("tell me about the weather in the mountains", 1_795_444_990.0))
    (other,) = ok_json("sessions", "list", home=tmp_path)
    ok("sessions", "forget", other["id"], "--yes", home=tmp_path)
    assert b"plum pudding" not in everything(tmp_path)


def test_up_sends_by_itself_and_lets_go_of_the_journal(ada: Path, group: Group) -> None:
    record(ada, turn("tell me about the plum pudding of my aunt", 1_795_444_690.0))
    (row,) = ok_json("sessions", "list", home=ada)
    allowed(ada)
    ok("up", "-d", "--port", "0", home=ada)
    try:
        end = time.monotonic() + 30
        while not group.objects():
            assert time.monotonic() < end, ok("logs", home=ada)
            time.sleep(0.2)
        while not ok_json("sessions", "receipts", home=ada):
            assert time.monotonic() < end
            time.sleep(0.2)
        done = ok_json("sessions", "forget", row["id"], "--yes", home=ada)
        assert done["raw"] == 1
        assert group.objects() == []
        assert b"plum pudding" not in everything(ada)
        assert ok_json("status", home=ada)["errors"] == {}
    finally:
        ok("stop", home=ada)


def test_objects_in_hubs_are_deleted_and_receipts_stay(ada: Path, group: Group) -> None:
    first, second = imported(ada, 1, 2)
    allowed(ada)
    ok("share", "send", home=ada)
    before = {one["session"]: one["object"] for one in ok_json("sessions", "receipts", home=ada)}
    shown = ok_json("sessions", "forget", first, "--dry-run", home=ada)
    assert shown["dry_run"]
    assert shown["objects"] == [before[first]]
    assert len(group.objects()) == 2, "a dry run changes nothing"
    done = ok_json("sessions", "forget", first, "--yes", home=ada)
    assert done["objects"] == [before[first]]
    assert group.objects() == [before[second]]
    (receipt,) = ok_json("sessions", "receipts", first, home=ada)
    assert receipt["withdrawn"]
    assert any("evolver read" in note for note in done["notes"])
    ok("share", "send", home=ada)
    assert group.objects() == [before[second]]
    imported_again = ok_json("import", str(ada / "s1-2.jsonl"), home=ada)
    assert imported_again["imported"] == 0
    ok("share", "send", home=ada)
    assert group.objects() == [before[second]]


@pytest.mark.slow
def test_who_may_write_the_groups_log_leaves_a_tombstone_there(ada: Path, group: Group) -> None:
    (key,) = imported(ada, 1)
    reviewer = keys.load_or_create(ada / ".skillclaw" / "keys", group.id, "reviewer")
    body = {"public": keys.public_hex(reviewer), "role": "reviewer", "name": "r"}
    group.hub.commit("key-add", body, role="owner")
    allowed(ada)
    ok("share", "send", home=ada)
    ok("sessions", "forget", key, "--yes", home=ada)
    assert list(group.hub.state().withdrawn.values()) == [[key]]


def test_a_hub_that_is_away_is_told_and_caught_up_with(ada: Path, group: Group) -> None:
    (key,) = imported(ada, 1)
    allowed(ada)
    ok("share", "send", home=ada)
    away = group.folder.rename(group.folder.with_name("away"))
    done = skillclaw("sessions", "forget", key, "--yes", "--json", home=ada)
    assert done.returncode == 1
    assert "team" in json.loads(done.stdout)["kept"]
    assert ok_json("sessions", "list", home=ada) == [], "here it is gone at once"
    away.rename(group.folder)
    ok("share", "send", home=ada)
    assert group.objects() == []
    assert ok_json("sessions", "receipts", key, home=ada)[0]["withdrawn"]


@pytest.mark.slow
def test_many_at_once_by_agent_project_and_day(tmp_path: Path) -> None:
    imported(tmp_path, 1, 2, 3, project="till")
    imported(tmp_path, 4, project="diary")
    assert len(ok_json("sessions", "forget", "--all", "--dry-run", home=tmp_path)["forgotten"]) == 4
    done = ok_json(
        "sessions", "forget", "--project", "TILL", "--before", "2026-11-13", "--yes", home=tmp_path
    )
    assert len(done["forgotten"]) == 2
    assert ok_json("sessions", "forget", "--agent", "goose", "--yes", home=tmp_path)["forgotten"] == []
    assert len(ok_json("sessions", "list", home=tmp_path)) == 2
    fails("sessions", "forget", "--all", home=tmp_path, code=2)
    fails("sessions", "forget", "--yes", home=tmp_path, code=2)
    fails("sessions", "forget", "--all", "--project", "x", "--yes", home=tmp_path, code=2)
    fails("sessions", "forget", "--before", "yesterday", "--yes", home=tmp_path, code=2)
    assert len(ok_json("sessions", "list", home=tmp_path)) == 2
    ok("sessions", "forget", "--all", "--yes", home=tmp_path)
    assert ok_json("sessions", "list", home=tmp_path) == []


@pytest.mark.e2e
def test_skills_that_rest_on_it_are_named(tmp_path: Path) -> None:
    steps = [Ran("npm test", 1, "Error: Cannot find module 'x'"), Ran("npm ci"), Ran("npm test", 0, "ok")]
    made = [session("u", n, "run the tests of this package", steps) for n in range(5)]
    ok("import", str(write(tmp_path / "s.jsonl", made)), home=tmp_path)
    (released,) = ok_json("evolve", home=tmp_path)["released"]
    keys = [row["id"] for row in ok_json("sessions", "list", home=tmp_path)]
    assert ok_json("sessions", "forget", keys[0], "--dry-run", home=tmp_path)["skills"] == [released["skill"]]
    all_of_them = ok_json("sessions", "forget", "--all", "--dry-run", home=tmp_path)
    assert all_of_them["orphans"] == [released["skill"]]
    assert released["skill"] in ok("sessions", "forget", keys[0], "--yes", home=tmp_path)


def run(home: Path, code: str, check: bool = False) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("SKILLCLAW_")}
    env |= {"HOME": str(home), "SKILLCLAW_HOME": str(home / ".skillclaw")}
    head = "import os, signal, sys\nfrom pathlib import Path\nfrom skillclaw.server.machine import Machine\n"
    head += f"machine = Machine(Path({str(home / '.skillclaw')!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(code)],
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
        check=check,
    )


DIE = "lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)"


@POSIX
@pytest.mark.parametrize(
    ("where", "objects"),
    [
        ("Outbox.add", 0),
        ("Outbox.begin", 0),
        ("Outbox.sent", 1),
        ("Store.create", 0),
    ],
)
def test_a_kill_at_any_step_sends_one_object_with_one_receipt(
    ada: Path, group: Group, where: str, objects: int
) -> None:
    (key,) = imported(ada, 1)
    allowed(ada)
    done = run(
        ada,
        f"""
        from skillclaw.journal.outbox import Outbox
        from skillclaw.hub.store import Store
        from skillclaw.server.sharing.sending import share
        {where} = {DIE}
        share(machine)
        """,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    lying = group.objects()
    assert len(lying) == objects
    before = [(group.folder / name).read_bytes() for name in lying]
    assert ok_json("sessions", "receipts", home=ada) == []
    assert not ok_json("sessions", "list", home=ada)[0]["shared"]
    ok("share", "send", home=ada)
    (name,) = group.objects()
    assert lying in ([], [name])
    assert before in ([], [(group.folder / name).read_bytes()]), "the very same object"
    (receipt,) = ok_json("sessions", "receipts", home=ada)
    assert (receipt["session"], receipt["object"]) == (key, name)


@POSIX
@pytest.mark.slow
def test_what_left_before_a_kill_is_taken_back_when_it_is_forgotten_or_denied(
    ada: Path, group: Group
) -> None:
    (key,) = imported(ada, 1)
    allowed(ada)
    run(
        ada,
        f"""
        from skillclaw.journal.outbox import Outbox
        from skillclaw.server.sharing.sending import share
        Outbox.sent = {DIE}
        share(machine)
        """,
    )
    assert len(group.objects()) == 1
    ok("sessions", "forget", key, "--yes", home=ada)
    assert group.objects() == []
    (receipt,) = ok_json("sessions", "receipts", key, home=ada)
    assert receipt["withdrawn"], "it had left, so there is a receipt"


@POSIX
@pytest.mark.parametrize(
    "where",
    [
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("Outbox.recall", "SessionStore.forget")),
        *("erase.erase", "Hub.tombstone"),
    ],
)
def test_forgetting_can_be_cut_off_anywhere(ada: Path, group: Group, where: str) -> None:
    record(ada, turn("tell me about the plum pudding of my aunt", 1_795_444_690.0))
    (row,) = ok_json("sessions", "list", home=ada)
    allowed(ada)
    ok("share", "send", home=ada)
    assert len(group.objects()) == 1
    done = run(
        ada,
        f"""
        from skillclaw.hub import Hub
        from skillclaw.journal import erase
        from skillclaw.journal.outbox import Outbox
        from skillclaw.journal.store import SessionStore
        from skillclaw.server.sessions import forgetting
        rows = forgetting.choose(machine, [{row["id"]!r}])
        {where} = {DIE}
        forgetting.forget(machine, rows)
        """,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    if ok_json("sessions", "list", home=ada):
        ok("sessions", "forget", row["id"], "--yes", home=ada)
    else:
        record(ada, turn("tell me about the weather in the mountains", 1_795_444_990.0))
        ok("sessions", "forget", "--all", "--yes", home=ada)
        ok("share", "send", home=ada)
    assert group.objects() == []
    assert b"plum pudding" not in everything(ada)


@POSIX
@pytest.mark.slow
def test_a_full_disk_loses_nothing_and_doubles_nothing(ada: Path, group: Group) -> None:
    imported(ada, 1, text="many different words: " + " ".join(f"w{n * n}" for n in range(4000)))
    allowed(ada)
    done = run(
        ada,
        """
        import resource
        from skillclaw.hub.store import Store
        from skillclaw.server.sharing.sending import share
        put = Store.create
        def full(self, key, data):
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
            try:
                return put(self, key, data)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        Store.create = full
        print(share(machine)[0].error)
        """,
        check=True,
    )
    assert "could not be written" in done.stdout
    assert group.objects() == []
    assert ok_json("sessions", "receipts", home=ada) == []
    ok("share", "send", home=ada)
    (name,) = group.objects()
    assert group.read(name)["session_id"] == "native-1"
