"""What a session says of the skills that lay there when it began, and which sessions count as running."""

from __future__ import annotations

import http.server
import threading
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hubs_at_hand import Hubs, bundle
from made_sessions import made
from msgspec.structs import replace

from skillclaw import settings
from skillclaw.hub.arms import block, treated
from skillclaw.journal.border import outgoing
from skillclaw.journal.merge import merge
from skillclaw.journal.records import OWN_HEADER, Exchange
from skillclaw.journal.redact import Redactor
from skillclaw.journal.writer import JournalWriter
from skillclaw.library.past import FILE, MOST, note, past
from skillclaw.library.records import Installed
from skillclaw.proxy.configured.offered import read_index
from skillclaw.server.sessions.crediting import CANARY, credit_skills
from skillclaw.server.sessions.reached import last_exchanges
from skillclaw.server.sessions.recording import assemble_recorded
from skillclaw.server.sessions.running import Running
from skillclaw.server.skills.index import indexes
from skillclaw.server.up import runfile
from skillclaw.server.up.proxy_process import ProxyProcess
from skillclaw.trajectory.environment import environment
from skillclaw.trajectory.model import SkillUse, Trajectory, decode, meta

START = datetime(2026, 9, 1, 9, tzinfo=UTC)
LIST = "<available_skills>\n- deploy: How to deploy.\n</available_skills>"


@pytest.fixture
def hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hubs:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    one = Hubs(tmp_path)
    one.admit()
    return one


def at(hubs: Hubs, now: datetime) -> None:
    hubs.machine.hubs.clock = lambda: now
    hubs.sync()


def session(now: datetime, *, listed: bool = True, hours: float = 1.0) -> Trajectory:
    """One that began then; with the list of skills that its agent had."""
    told = made("Deploy it.", ("say", "Done."))
    first, last = told.steps
    first = replace(first, timestamp=now.isoformat())
    last = replace(last, timestamp=(now + timedelta(hours=hours)).isoformat())
    if listed:
        first = replace(first, source="system", message=LIST)
    return replace(told, steps=[first, last])


def uses(hubs: Hubs, one: Trajectory) -> list[SkillUse]:
    return meta(credit_skills(hubs.machine, one)).skills


def test_a_session_tells_what_lay_there_when_it_began(hubs: Hubs) -> None:
    group = hubs.team.info.group
    base = hubs.release(hubs.team, bundle("deploy", "stable"))
    canary = hubs.release(hubs.team, bundle("deploy", "canary"), stage="canary", share=0.5)
    member = hubs.machine.hubs.view(hubs.machine.hubs.source("team")).client
    mornings = [START + timedelta(days=n) for n in range(10)]
    for morning in mornings:
        at(hubs, morning)
    for morning in mornings:
        arm = treated(member, "deploy", canary, block(morning), 0.5)
        (use,) = uses(hubs, session(morning + timedelta(hours=2)))
        assert use.offered
        assert (use.hub, use.installed, use.version) == (group, canary if arm else base, None)
        assert not use.edited
        assert uses(hubs, session(morning, listed=False)) == [], "neither named nor edited"
    (use,) = uses(hubs, session(START - timedelta(days=1)))
    assert use.installed is None, "before anything was noted"


def test_a_new_canary_that_is_withheld_was_not_there(hubs: Hubs) -> None:
    hubs.release(hubs.team, bundle("deploy", "canary"), stage="canary", share=0.0)
    at(hubs, START)
    assert uses(hubs, session(START + timedelta(hours=1), listed=False)) == []


def test_an_edited_copy_is_told_even_where_the_agent_names_no_skill(hubs: Hubs) -> None:
    base = hubs.release(hubs.team, bundle("deploy", "stable"))
    at(hubs, START)
    hubs.edit("deploy", "stable", "my own way")
    at(hubs, START + timedelta(hours=2))
    assert uses(hubs, session(START + timedelta(minutes=5), listed=False, hours=1)) == []
    for begun in (timedelta(hours=1, minutes=30), timedelta(hours=3)):
        (use,) = uses(hubs, session(START + begun, listed=False, hours=1))
        assert (use.name, use.edited, use.installed, use.offered) == ("deploy", True, base, False)
    codex = session(START + timedelta(hours=3), listed=False)
    codex = replace(codex, agent=replace(codex.agent, name="codex"))
    assert uses(hubs, codex) == [], "it does not read that folder"
    told = credit_skills(hubs.machine, session(START + timedelta(hours=3)))
    redactor = Redactor(b"k" * 32, home=hubs.home, user_names=[])
    left = outgoing(told, redactor, client_key=b"k" * 32, group=hubs.team.info.group)
    (use,) = meta(decode(left.body)).skills
    assert (use.edited, use.installed) == (True, base), "the evolver of the group reads it"
    other = outgoing(told, redactor, client_key=b"k" * 32, group="0" * 32)
    assert meta(decode(other.body)).skills == [], "and no other"
    longer = session(START + timedelta(hours=3))
    more = replace(longer.steps[-1], step_id=3, source="user", message="Thanks.")
    grown = merge(told, replace(longer, steps=[*longer.steps, more]))
    assert grown is not None
    assert meta(grown).skills == meta(told).skills


def test_a_machine_that_takes_no_part_says_so_in_each_session(hubs: Hubs) -> None:
    hubs.release(hubs.team, bundle("deploy", "stable"))
    at(hubs, START)
    settings.set_value(hubs.machine.home, "sync.canary", "false")
    at(hubs, START + timedelta(days=1))
    settings.set_value(hubs.machine.home, "sync.canary", "true")
    at(hubs, START + timedelta(days=2))
    told = [credit_skills(hubs.machine, session(START + timedelta(days=n, hours=1))) for n in range(3)]
    assert [meta(one).env.get(CANARY) for one in told] == [None, "off", None]
    assert CANARY not in environment(told[1]), "it is nothing that a lesson could rest on"


def test_the_past_stays_short_and_survives_damage(tmp_path: Path) -> None:
    target = tmp_path / "skills"
    (target / "git").mkdir(parents=True)
    home = tmp_path / "home"
    home.mkdir()

    def there(number: int) -> list[Installed]:
        return [Installed(hub="team", skill="git", target=str(target), version=f"{number:064x}")]

    for number in range(5):
        note(home, there(number // 2), START + timedelta(hours=number), canaries=True)
    assert len((home / FILE).read_text().splitlines()) == 3, "only what changed is written"
    assert oct((home / FILE).stat().st_mode)[-3:] == "600"
    with (home / FILE).open("ab") as file:
        file.write(b'{"at": "2026-')  # cut off
    note(home, there(9), START + timedelta(hours=9), canaries=True)
    now = START + timedelta(hours=9)
    assert [lay.version for lay in past(home).copies(now, now)] == [f"{9:064x}"]
    line = (home / FILE).read_text().splitlines()[0]
    (home / FILE).write_text("\n".join([line.replace("git", f"s{n}") for n in range(MOST)]) + "\n")
    many = len(past(home).copies(now, now))
    note(home, [], now, canaries=True)
    assert len((home / FILE).read_text().splitlines()) <= MOST * 2
    assert many == MOST
    assert past(home).copies(START + timedelta(hours=1), START + timedelta(hours=1)), "what was before, too"


def exchange(agent: str, ago: float, *headers: tuple[str, str]) -> Exchange:
    body = b'{"model": "m", "messages": [{"role": "user", "content": "hello there"}]}'
    reply = b'{"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}'
    return Exchange(
        id=f"{abs(hash((agent, ago))):016x}"[:16],
        agent=agent,
        method="POST",
        path="/v1/chat/completions",
        started=time.time() - ago - 1,
        finished=time.time() - ago,
        request_headers=list(headers),
        request_body=body,
        status=200,
        response_headers=[("content-type", "application/json")],
        response_body=reply,
    )


def write(hubs: Hubs, *exchanges: Exchange) -> None:
    writer = JournalWriter(hubs.machine.home / "journal", max_mb=100)
    for one in exchanges:
        writer.put(one)
    writer.close()


def test_recorded_agents_run_where_they_read(hubs: Hubs) -> None:
    assert Running(hubs.machine)(hubs.skills) == ""
    write(hubs, exchange("claude-code", 400), exchange("generic", 10, (OWN_HEADER, "evolver")))
    assert last_exchanges(hubs.machine, 300) == {}
    write(hubs, exchange("codex", 20))
    assert list(last_exchanges(hubs.machine, 300)) == ["codex"]
    assert Running(hubs.machine)(hubs.skills) == "", "Codex does not read that folder"
    assert Running(hubs.machine)(hubs.home / ".agents" / "skills") == "Codex"
    write(hubs, exchange("claude-code", 5))
    assert Running(hubs.machine)(hubs.skills) == "Claude Code"
    # put together or not, it is the same session that runs
    assemble_recorded(hubs.machine, idle=300)
    assert sorted(last_exchanges(hubs.machine, 300)) == ["claude-code", "codex"]
    write(hubs, exchange("some-other", 1))
    assert Running(hubs.machine)(hubs.skills) == "Claude Code, some-other", "it may read any folder"
    assert last_exchanges(hubs.machine, 0.5) == {}


def test_an_agent_that_the_proxy_tells_of_skills_reads_every_folder(hubs: Hubs) -> None:
    write(hubs, exchange("aider", 5))
    assert Running(hubs.machine)(hubs.skills) == "Aider"


def test_the_index_that_the_proxy_gives_obeys_too_and_an_old_one_stays(hubs: Hubs) -> None:
    settings.set_value(hubs.machine.home, "agents.generic.inject", "true")
    canary = hubs.release(hubs.team, bundle("deploy", "canary"), stage="canary", share=0.5)
    member = hubs.machine.hubs.view(hubs.machine.hubs.source("team")).client
    mornings = [START + timedelta(days=n) for n in range(60)]
    on, off = (
        next(day for day in mornings if treated(member, "deploy", canary, block(day), 0.5) == arm)
        for arm in (True, False)
    )
    at(hubs, on)
    digest = indexes(hubs.machine, hubs.machine.hubs.settings())["generic"]
    assert "<name>deploy</name>" in read_index(hubs.machine.home, digest)
    at(hubs, off)
    assert indexes(hubs.machine, hubs.machine.hubs.settings())["generic"] == ""
    assert "<name>deploy</name>" in read_index(hubs.machine.home, digest), "for who began with it"


def test_a_journal_that_cannot_be_read_lets_canaries_wait(hubs: Hubs) -> None:
    hubs.sync()
    (hubs.machine.home / "journal").write_text("a file")
    assert "it cannot be told which run" in Running(hubs.machine)(hubs.skills)


@pytest.mark.slow
def test_an_answer_that_is_still_coming_counts(hubs: Hubs) -> None:
    go, come = threading.Event(), threading.Event()

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            come.set()
            go.wait(30)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.set_value(
        hubs.machine.home, "agents.generic.upstream", f"http://127.0.0.1:{server.server_address[1]}"
    )
    hubs.machine.prepare()
    machine = hubs.fresh()
    proxy = ProxyProcess(machine, 0)
    proxy.start()
    try:
        pid, created = runfile.pid_of_self()
        running = runfile.Running(
            pid=pid, created=created, port=proxy.port, started="", version="", agreed=True, ready=True
        )
        runfile.write_running(machine.home, running)
        assert Running(machine)(hubs.skills) == ""
        url = f"http://127.0.0.1:{proxy.port}/generic/v1/models"
        asking = threading.Thread(target=lambda: urllib.request.urlopen(url, timeout=30).read())
        asking.start()
        assert come.wait(20)
        assert Running(machine)(hubs.skills) == "requests are under way"
        go.set()
        asking.join(30)
        assert not asking.is_alive()
    finally:
        go.set()
        proxy.stop()
        server.shutdown()
