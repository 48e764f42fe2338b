"""From the journal to the session store and to `status`: Gemini, WebSocket, and what could not be read."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from recorded import recorded

from skillclaw.journal.records import Exchange
from skillclaw.journal.unread import MARK, MOST, Uncounted, counted, counts_in, told
from skillclaw.journal.writer import JournalWriter
from skillclaw.server.machine import Machine
from skillclaw.server.sessions.recording import assemble_recorded
from skillclaw.server.setup.survey import status_of

SECRET = "words of a session"


def strange(path: str, body: bytes = b"", **rest: object) -> Exchange:
    given = body or json.dumps({"messages": [{"role": "user", "content": SECRET}]}).encode()
    exchange = Exchange(
        id="0" * 16,
        agent="odd",
        method="POST",
        path=path,
        started=1_795_444_690.0,
        request_body=given,
        status=200,
    )
    return msgspec.structs.replace(exchange, **rest)


def write(home: Path, *exchanges: Exchange) -> None:
    writer = JournalWriter(home / "journal", max_mb=100)
    for one in exchanges:
        writer.put(one)
    writer.close()
    assert writer.stats().dropped == 0


@pytest.fixture(autouse=True)
def no_agents(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_gemini_and_websocket_exchanges_become_stored_sessions(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {})
    write(tmp_path, *recorded("gemini-cli.json"), *recorded("codex-websocket.json"))
    assert assemble_recorded(machine) == 2
    rows = {row.agent: row for row in machine.sessions.rows()}
    assert rows["codex"].native_id == "01a21635-9459-7f00-a34c-91f31277720e"
    assert (rows["gemini-cli"].project, rows["gemini-cli"].source) == ("proj", "wire")
    assert rows["gemini-cli"].steps == 10 and rows["codex"].steps > 10
    status = status_of(machine)
    assert status.unread == [] and "could not be read" not in status.text()


def test_what_cannot_be_read_is_counted_once_and_survives_a_restart(tmp_path: Path) -> None:
    write(
        tmp_path,
        strange(f"/v9/chat?text={SECRET}"),
        strange("/v9/chat"),
        strange("/v1/messages", f"no json: {SECRET}".encode()),
        strange(
            "/v1/realtime",
            method="GET",
            status=101,
            request_headers=[("Upgrade", "websocket")],
            response_body=b'{"type": "x"}',
        ),
        strange("/v1/embeddings", json.dumps({"input": SECRET}).encode()),
        *recorded("gemini-cli.json"),
    )
    machine = Machine(tmp_path, {})
    for _ in range(3):
        assemble_recorded(machine)  # the whole journal is read again: none of it is settled yet
        write(tmp_path, recorded("gemini-cli.json")[-1])
    machine.sessions.close()
    again = Machine(tmp_path, {})
    assemble_recorded(again)
    status = status_of(again)
    assert told(status.unread) == (
        "4 exchanges could not be read: 2 unknown protocol (/v9/chat), 1 damaged body (/v1/messages), "
        "1 unknown WebSocket (/v1/realtime)"
    )
    assert told(status.unread) + "; kept as bytes for 7 days" in status.text().splitlines()
    shown = msgspec.json.encode(status).decode()
    assert {(one["reason"], one["count"]) for one in json.loads(shown)["unread"]} == {
        ("unknown protocol", 2),
        ("damaged body", 1),
        ("unknown WebSocket", 1),
    }
    stored = again.sessions.get_mark(MARK) or ""
    for text in (shown, status.text(), stored):
        assert SECRET not in text and "?" not in text
    write(tmp_path, strange("/v9/chat"))
    assemble_recorded(again)
    assert [one.count for one in status_of(again).unread if one.reason == "unknown protocol"] == [3]


def test_the_bytes_of_what_could_not_be_read_stay_in_the_journal(tmp_path: Path) -> None:
    from skillclaw.journal.reader import read

    write(tmp_path, strange("/v9/chat"))
    assemble_recorded(Machine(tmp_path, {}))
    ((kept, _),) = read(tmp_path / "journal")
    assert SECRET.encode() in kept.request_body


def test_counts_stay_few_however_many_paths_there_are() -> None:
    fresh = [Uncounted(agent="a", reason="unknown protocol", path=f"/p{n}", at=float(n)) for n in range(500)]
    counts = counted(counted([], fresh[:300]), fresh[300:])
    assert len(counts) == MOST + 1 and sum(one.count for one in counts) == 500
    assert max(one.last for one in counts) == 499.0
    assert told(counts).startswith(
        "500 exchanges could not be read: 500 unknown protocol ("
    ) and "..." in told(counts)
    assert told(counts[:1]).startswith("1 ") or counts[0].count > 1
    assert counts_in("rubbish") == counts_in(None) == [] and told([]) == ""
