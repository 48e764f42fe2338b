"""What the proxy is told is written by `up` and by commands at once, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from skillclaw.agents import forget_connection, record_connection
from skillclaw.agents.records import Connection
from skillclaw.errors import BusyError
from skillclaw.proxy import ProxyConfig, read_config, write_config
from skillclaw.server.machine import Machine
from skillclaw.server.up import proxy_process
from skillclaw.server.up.proxy_process import ProxyProcess, Routing, leave, redirect, reroute

GATEWAY = "https://gw.example/team"
OTHER = "https://other.example"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A home whose proxy is told that Claude Code, which is connected, goes to the gateway."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ANTHROPIC_BASE_URL", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    made = Machine(tmp_path / "skillclaw", {})
    made.prepare()
    url = "http://127.0.0.1:1234/claude-code"
    record_connection(made.home, Connection(agent="claude-code", base_url=url, upstream=GATEWAY))
    write_config(told_in(made), ProxyConfig(port=1234, home="/h", upstreams={"claude-code": GATEWAY}))
    return made


def told_in(machine: Machine) -> Path:
    return machine.home / "run" / "proxy.json"


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Do this once, while somebody works out where requests go now."""
    real, rest = proxy_process.routing, [act]

    def routing(machine: Machine) -> Routing:
        found = real(machine)
        if rest:
            rest.pop()()
        return found

    monkeypatch.setattr(proxy_process, "routing", routing)


@pytest.mark.parametrize("by", ["up", "a command"])
def test_what_is_disconnected_meanwhile_still_goes_where_it_went(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    def disconnected() -> None:
        leave(machine, "claude-code")
        forget_connection(machine.home, "claude-code")

    meanwhile(monkeypatch, disconnected)
    proxy = ProxyProcess(machine, 1234)
    if by == "up":
        assert proxy.refresh()
    else:
        reroute(machine)
    for _ in range(2):
        told = read_config(told_in(machine))
        assert (told.left, told.upstreams["claude-code"]) == ({"claude-code": GATEWAY}, GATEWAY)
        proxy.refresh()
    assert not proxy.refresh(), "all is told"


def test_an_upstream_that_is_told_meanwhile_stays(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: redirect(machine, "pi", OTHER))
    reroute(machine)
    assert read_config(told_in(machine)).upstreams["pi"] == OTHER


def test_who_finds_another_at_it_waits_and_says_so(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_process, "WAIT", 0.0)
    before = told_in(machine).read_bytes()
    tells: list[Callable[[], object]] = [lambda: leave(machine, "claude-code")]
    tells += [lambda: redirect(machine, "pi", OTHER), ProxyProcess(machine, 1234).refresh]
    with FileLock(machine.home / "run" / "routing.lock"):
        for tell in tells:
            with pytest.raises(BusyError, match="Another SkillClaw is telling the proxy"):
                tell()
    assert told_in(machine).read_bytes() == before
    tells[0]()
    assert read_config(told_in(machine)).left == {"claude-code": GATEWAY}
