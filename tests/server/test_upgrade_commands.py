"""Every command meets every file of a newer format: told, nothing changed, and traffic flows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from cli import ok, ok_json, skillclaw
from kept_homes import unpacked
from test_migrations import PLACES, VERSIONS, everything, settled
from upgrades import answering, ask

from skillclaw.server.deep.formats import FILES

COMMANDS = [
    "status",
    "sessions list",
    "sessions receipts",
    "skills list",
    "skills show run-tests-till",
    "skills evidence run-tests-till",
    "skills log run-tests-till",
    "skills edit-status",
    "skills pin run-tests-till",
    "skills rollback run-tests-till",
    "skills uninstall run-tests-till",
    "proposals list",
    "hub status",
    "hub members --hub team",
    "hub verify --all",
    "share status",
    "share allow --hub team",
    "share send",
    "sync",
    "evolve",
    "evolve --hub team",
    "import",
    "connect claude-code --history-only",
    "disconnect --all",
    "jobs list",
    "doctor",
    "config show",
    "sessions forget --all --yes",
    "stop",
]


DAILY = ("sync", "skills list", "evolve", "disconnect --all", "sessions forget --all --yes")


@pytest.mark.e2e
@pytest.mark.parametrize("place", ["library.json", "hub/log"])
def test_a_few_commands_tell_it_and_leave_it(tmp_path: Path, place: str) -> None:
    told_and_left(tmp_path, place, DAILY)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("place", PLACES)
def test_every_command_tells_it_and_leaves_it(tmp_path: Path, place: str) -> None:
    told_and_left(tmp_path, place, COMMANDS)


def told_and_left(tmp_path: Path, place: str, commands: Iterable[str]) -> None:
    home = settled(tmp_path)
    PLACES[place][0](home)
    own = home / ".skillclaw"
    path = own / place
    kept = path.read_bytes() if path.is_file() else None
    stopped = 0
    for command in commands:
        before = everything(home)
        done = skillclaw(*command.split(), home=home)
        said = (done.stdout + done.stderr).casefold()
        assert "traceback" not in said and "did not expect" not in said, (command, said)
        assert done.returncode in (0, 1), (command, said)
        if done.returncode == 1:
            stopped += 1
            # `doctor` has also to say that nothing runs which a connected agent could go through
            reasons = ("upgrade", "newer", "not installed", *(("does not run",) * (command == "doctor")))
            assert any(reason in said for reason in reasons), (command, said)
            now = everything(home)
            if "forget" in command:  # what can be erased is, whatever else waits
                now, before = ({k: v for k, v in one.items() if "journal/" not in k} for one in (now, before))
            assert now == before, command
        if kept is not None:
            assert path.read_bytes() == kept, command
    assert stopped, "nobody had to read it"


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FILES, "sessions.db", "config.toml"])
def test_traffic_flows_and_is_recorded_whatever_a_newer_version_left(tmp_path: Path, name: str) -> None:
    home = unpacked(VERSIONS[-1], tmp_path)
    own = home / ".skillclaw"
    with answering() as url:
        ok("config", "set", "agents.generic.upstream", url, home=home)
        (own / "wanted.json").unlink()
        if name == "config.toml":
            with (own / name).open("a", encoding="utf-8") as file:
                file.write('\n[later]\nkey = "x"\n')
        elif name == "sessions.db":
            PLACES[name][0](home)
        else:
            (own / name).write_text(json.dumps({"v": 99, "agents": [], "installed": {}, "urls": 1}), "utf-8")
        kept = (own / name).read_bytes() if name != "sessions.db" else b""
        try:
            up = ok_json("up", "-d", "--port", "0", home=home)
            assert ask(up["port"]) == 200
            until = time.monotonic() + 20
            while not (journal := ok_json("status", home=home)["journal"])["exchanges"]:
                assert time.monotonic() < until, journal
                time.sleep(0.2)
            assert journal["dropped"] == 0
            if name != "config.toml":
                until = time.monotonic() + 30
                while not any("pgrade" in one for one in ok_json("status", home=home)["errors"].values()):
                    assert time.monotonic() < until, ok("status", home=home)
                    time.sleep(0.3)
        finally:
            skillclaw("stop", home=home)
        if kept:
            assert (own / name).read_bytes() == kept
