"""Another version is installed while `up` runs; two versions at one home, and at one group's hub."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kept_homes import unpacked
from upgrades import Traffic, answering, install_over, of, told, tree

from skillclaw.journal import reader
from skillclaw.server.up.runfile import read_running

pytestmark = pytest.mark.timeout(300)

NEXT = "0.9.0"
RULES = {
    "hub/seen.py": ("FOLD = 9\n", "FOLD = 10\n"),
    "journal/catalogue_file.py": ("VERSION = 2\n", "VERSION = 3\n"),
}
"""What a later version may do without a new format: other rules of the fold, another catalogue."""


def until(what: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.e2e
def test_up_goes_on_as_the_version_that_was_put_in_its_place(tmp_path: Path) -> None:
    place = tree(tmp_path / "installed", "0.1.0")
    later = tree(tmp_path / "later", NEXT)
    home = tmp_path / "ada"
    own = home / ".skillclaw"
    own.mkdir(parents=True)
    with answering() as url:
        told(place, home, "config", "set", "agents.generic.upstream", url)
        told(place, home, "config", "set", "journal.idle", "1")
        began = time.monotonic()
        before = told(place, home, "up", "-d", "--yes", "--port", "0")
        start = time.monotonic() - began
        try:
            with Traffic(before["port"]) as traffic:
                until(lambda: traffic.statuses.count(200) > 5)
                install_over(place, later)
                running = read_running(own)
                assert running is not None and running.version == "0.1.0", "it waits until that is whole"
                until(lambda: (now := read_running(own)) is not None and "upgrade" in now.errors, 5)
                facts = of(place, home, "status")
                assert facts.returncode == 0, facts.stderr
                if f"SkillClaw {NEXT}" in facts.stdout and "0.1.0 is running" not in facts.stdout:
                    pytest.fail(facts.stdout)
                until(
                    lambda: (now := read_running(own)) is not None and now.version == NEXT and now.ready, 120
                )
                count = len(traffic.statuses)
                until(lambda: traffic.statuses[count:].count(200) > 5)
            after = told(place, home, "status")
            assert (after["version"], after["runs"], after["port"]) == (NEXT, NEXT, before["port"])
            assert after["errors"] == {}
            assert -1 not in traffic.statuses, "no request is lost half-way"
            assert set(traffic.statuses) <= {200, 0}, "an answer is whole, or nobody listened for a moment"
            took = f"{traffic.gap:.1f} s (a start takes {start:.1f} s)"
            print(f"\nnobody listened for {took}; {len(traffic.statuses)} requests")
            assert traffic.gap < 5 + 2 * start, took
            log = (own / "logs" / "up.log").read_text("utf-8")
            assert "starting again" in log and "Error" not in log, log
            recorded = {exchange.id for exchange, _ in reader.read(own / "journal")}
            assert len(recorded) == traffic.statuses.count(200), "each that was answered, once"
            until(lambda: told(place, home, "status")["last"].get("record"))
        finally:
            of(place, home, "stop")


@pytest.mark.e2e
@pytest.mark.slow
def test_an_installation_that_does_not_run_is_not_started(tmp_path: Path) -> None:
    place = tree(tmp_path / "installed", "0.1.0")
    broken = tree(tmp_path / "later", NEXT, {"cli/app.py": ("import typer\n", "import no_such_module\n")})
    home = tmp_path / "ada"
    with answering() as url:
        told(place, home, "config", "set", "agents.generic.upstream", url)
        port = told(place, home, "up", "-d", "--port", "0")["port"]
        with Traffic(port) as traffic:
            install_over(place, broken, 0.5)
            time.sleep(12)
            running = read_running(home / ".skillclaw")
            assert running is not None and running.version == "0.1.0"
            assert "learning waits" in running.errors["upgrade"]
        assert set(traffic.statuses) == {200}
        (home / ".skillclaw" / "run" / "stop").touch()
        until(lambda: read_running(home / ".skillclaw") is None)


@pytest.mark.slow
def test_two_versions_at_one_home_and_one_hub_on_changing_days(tmp_path: Path) -> None:
    old, new = tree(tmp_path / "old", "0.1.0"), tree(tmp_path / "new", NEXT, RULES)
    home = unpacked("v0.1", tmp_path)
    skill = home / ".claude" / "skills" / "run-tests-till" / "SKILL.md"
    text = skill.read_bytes()
    hub = tmp_path / "group"

    def lasting() -> dict[str, bytes]:
        """What lies in the group's hub and is never to go."""
        return {
            str(path.relative_to(hub)): path.read_bytes()
            for part in ("log", "objects", "sessions")
            for path in (hub / part).rglob("*")
            if path.is_file()
        }

    for version in (new, old, new):
        before = lasting()
        for command in (["sync"], ["evolve", "--hub", "team"]):
            done = of(version, home, *command)
            assert done.returncode == 0, (version.name, command, done.stdout, done.stderr)
        assert before.items() <= lasting().items()
        assert skill.read_bytes() == text
        verified = told(version, home, "hub", "verify", "--all")
        assert all(row["problems"] == [] for row in verified["hubs"]), json.dumps(verified)


def test_commands_of_one_version_and_the_up_of_another(tmp_path: Path) -> None:
    old, new = tree(tmp_path / "old", "0.1.0"), tree(tmp_path / "new", NEXT)
    for runs, asks in ((old, new), (new, old)):
        home = tmp_path / f"home-{runs.name}"
        state = told(runs, home, "up", "-d", "--port", "0")
        try:
            facts = told(asks, home, "status")
            assert facts["running"] and facts["port"] == state["port"] and facts["journal"] is not None
            assert facts["runs"] != facts["version"]
            assert f"Version {facts['runs']} is running" in of(asks, home, "status").stdout
            again = of(asks, home, "up")
            assert again.returncode == 1 and "runs already" in again.stderr
            path = home / ".skillclaw" / "run" / "up.json"
            told_otherwise = {**json.loads(path.read_text("utf-8")), "errors": ["another shape"], "v": 7}
            path.write_text(json.dumps(told_otherwise), "utf-8")
            assert told(asks, home, "status")["running"], "what is told otherwise is passed over"
        finally:
            stopped = told(asks, home, "stop")
        assert stopped["stopped"]
