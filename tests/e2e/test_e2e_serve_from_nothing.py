"""A server that is set up from nothing: a settings file, a hub's URL, a request that the owner admits."""

from __future__ import annotations

from pathlib import Path

import pytest
import team
from cli import ok
from serving import serving, wait

pytestmark = pytest.mark.e2e


def test_a_server_asks_to_be_admitted_and_serves_from_then_on(tmp_path: Path) -> None:
    for who in ("ada", "server"):
        (tmp_path / who).mkdir()
    # ada makes a group that nobody evolves for; `team.sc` finds the same home
    ok("hub", "init", str(tmp_path / "group"), "--name", "team", "--as", "ada", home=tmp_path / "ada")
    config = tmp_path / "serve.toml"
    config.write_text(f'[hubs.team]\nurl = "{tmp_path / "group"}"\n[serve]\ninterval = 0.5\n')
    with serving(tmp_path, "server", "--config", str(config)) as server:
        request = wait(
            lambda: next((w for w in server.log.read_text().split() if w.startswith("skillclaw-key-1:")), ""),
            20,
        )
        assert server.ask("groups")["items"] == []  # it answers meanwhile, and serves nobody
        team.sc(tmp_path, "ada", "hub", "admit", request, "--yes")
        wait(lambda: "team: this machine is its evolver now." in server.log.read_text(), 30)
        wait(lambda: server.ask("groups")["items"], 30)
        assert server.over(server.run())["outcome"] == "done"
        assert server.stop() == 0
        token = (server.home / "serve" / "token").read_text().strip()
        assert token not in server.log.read_text() + server.out.read_text()
    assert not (server.home / "config.toml").exists()
    roles = {row["role"]: row["state"] for row in team.sc(tmp_path, "ada", "hub", "members")["members"]}
    assert roles["evolver"] == "active"
