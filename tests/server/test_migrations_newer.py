"""A number higher than known in a file of a kept home that no command of test_migrations.py meets: what
docs/formats.md says of it happens, and the file stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cli import ok, ok_json, skillclaw
from llm_script import honest, model
from test_migrations import everything, settled
from test_migrations_files import lying, team

from skillclaw import zstd
from skillclaw.hub import Hub, keys, room, vote_jobs
from skillclaw.hub.answers import HubAnswers
from skillclaw.hub.signed import signed
from skillclaw.hub.spendings import HubSpendings
from skillclaw.hub.wrapped import wrap
from skillclaw.journal import reader, segment
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter

pytestmark = pytest.mark.live


@pytest.fixture
def ada(tmp_path: Path) -> Path:
    return settled(tmp_path)


def later(path: Path) -> None:
    """Give the file the next number. What was no object becomes part of one."""
    raw: Any = json.loads(path.read_bytes())
    path.write_text(json.dumps({**raw, "v": 2} if isinstance(raw, dict) else {"v": 2, "all": raw}), "utf-8")


def quarantined(own: Path) -> list[Path]:
    return sorted((own / "quarantine").glob("*.json"))


FILES: dict[str, tuple[Callable[[Path], list[Path]], list[str]]] = {
    "tokens.json": (
        lambda own: [own / "tokens.json"],
        ["config token codex", "connect codex"],
    ),
    "quarantine": (quarantined, ["skills quarantine", "skills restore install-httpie"]),
    "votes/book.json": (lambda own: [own / "votes" / "book.json"], ["jobs list", "jobs run"]),
}


@pytest.mark.parametrize("name", FILES)
def test_a_newer_file_stops_the_commands_that_read_it_and_stays(ada: Path, name: str) -> None:
    found, commands = FILES[name]
    for setting in ("gate.votes.enabled=true", "evolve.model.name=m", "evolve.model.url=http://127.0.0.1:9"):
        ok("config", "set", *setting.split("="), home=ada)
    for path in found(ada / ".skillclaw"):
        later(path)
    before = everything(ada)
    for command in commands:
        done = skillclaw(*command.split(), home=ada)
        said = (done.stdout + done.stderr).casefold()
        assert (done.returncode, "upgrade" in said) == (1, True), (command, said)
        assert "traceback" not in said
        assert everything(ada) == before, command
    ok("status", home=ada)
    ok("sync", home=ada)
    assert {path: data for path, data in everything(ada).items() if name in path} == {
        path: data for path, data in before.items() if name in path
    }


def test_what_lies_in_quarantine_by_a_newer_version_hides_nothing_else_of_the_status(ada: Path) -> None:
    later(quarantined(ada / ".skillclaw")[0])
    told = ok_json("status", home=ada)
    assert told["quarantined"] == [] and "pgrade" in told["errors"]["quarantine"]
    assert told["sessions"] and told["skills"]


@pytest.mark.slow  # 5 s
def test_where_a_newer_version_counted_what_models_cost_no_model_is_asked(ada: Path) -> None:
    path = ada / ".skillclaw" / "model-spending.json"
    later(path)
    before = path.read_bytes()
    with model(honest) as server:
        for key, value in {"engine": "llm", "model.name": "m", "model.url": server.url}.items():
            ok("config", "set", f"evolve.{key}", value, home=ada)
        done = skillclaw("evolve", "--full", home=ada)
        assert (done.returncode, server.seen) == (1, []), done.stdout
    assert "pgrade" in done.stderr
    assert path.read_bytes() == before


def test_a_segment_of_a_newer_version_is_passed_over_and_told_and_recording_goes_on(ada: Path) -> None:
    folder = ada / ".skillclaw" / "journal"
    first = segment.path_of(folder, 1)
    data = first.read_bytes()
    at = len(segment.MAGIC)
    first.write_bytes(data[: at - 1] + bytes([segment.MAGIC[-1] + 1]) + data[at:])
    kept = first.read_bytes()
    writer = JournalWriter(folder, max_mb=64)
    writer.put(
        Exchange(
            id="f" * 16, agent="generic", method="POST", path="/v1", started=1.0, finished=2.0, complete=True
        )
    )
    writer.close()
    told: list[str] = []
    found = reader.read(folder, on_skip=lambda path, offset, why: told.append(f"{path.name}: {why}"))
    assert [exchange.id for exchange, _ in found] == ["f" * 16]
    assert told == ["00000001.seg: not a journal segment that this version reads"]
    assert first.read_bytes() == kept


def evolver(ada: Path, hub: Hub) -> keys.SigningKey:
    key = keys.load(ada / ".skillclaw" / "keys", hub.info.group, "evolver")
    assert key is not None
    return key


def test_a_newer_voting_job_is_left_there_and_nothing_is_tried_or_decided(ada: Path) -> None:
    hub = team(ada)
    (name,) = lying(ada, "jobs/votes/*/job.json")
    path = ada.parent / "group" / name
    job = msgspec.json.decode(path.read_bytes(), type=vote_jobs.VoteJob)
    newer = msgspec.structs.replace(job, v=2, signer="", sig="")
    path.write_bytes(signed("vote job", hub.info.group, newer, evolver(ada, hub)))
    data, before = path.read_bytes(), hub.state()
    told = ok_json("jobs", "list", home=ada)
    assert told["open"] == [] and "pgrade" in told["errors"]["team"]
    done = skillclaw("evolve", "--hub", "team", home=ada)
    assert (done.returncode, "pgrade" in done.stdout) == (0, True), done.stdout + done.stderr
    assert (path.read_bytes(), team(ada).state()) == (data, before)


def test_what_a_newer_evolver_keeps_for_others_counts_as_not_there(ada: Path) -> None:
    hub = team(ada)
    state, key = hub.state(), evolver(ada, hub)
    (spent,) = lying(ada, "jobs/spent/*/*")
    answer = lying(ada, "jobs/answers/*/*")[0]
    day = spent.split("/")[2]
    assert HubSpendings(hub, "elsewhere").others(day)[1] > 0
    own = room.own_keys(hub.keys_folder, hub.info.group)
    for name in (spent, answer):
        path = ada.parent / "group" / name
        body = zstd.compress(room.open_kept(path.read_bytes(), own, state=state, name=name), 9)
        letter = room.Letter(v=2, group=state.group, name=name, signer=keys.public_hex(key), body=body)
        letter = msgspec.structs.replace(letter, sig=keys.sign(key, room._signed(letter)))
        path.write_bytes(room.MAGIC + wrap(msgspec.msgpack.encode(letter), room.readers(state)))
    assert HubSpendings(hub, "elsewhere").others(day) == (0, 0, 0.0)
    assert HubAnswers(hub).get(answer.rsplit("/", 1)[1]) is None
