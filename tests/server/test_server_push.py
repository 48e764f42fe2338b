"""`hub settings` and `hub push`: what an owner says reaches every machine, and news need no waiting."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cli import fails
from team import found, home, hub, joined, sc, state

from skillclaw.errors import BadInputError, SkillClawError, UsageError
from skillclaw.server.groups.settings import PushPoint, push_point
from skillclaw.server.hubs.pushed import Listener, may_listen


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    joined(tmp_path, "bob")
    return tmp_path


@contextmanager
def pushing(place: Path) -> Iterator[PushPoint]:
    """`hub push` as a process on Ada's machine."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("SKILLCLAW_")}
    env |= {"HOME": str(place / "ada"), "SKILLCLAW_HOME": str(home(place, "ada"))}
    command = [sys.executable, "-m", "skillclaw", "hub", "push", "--every", "0.1", "--json"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = ""
            while not said.rstrip().endswith("}"):
                line = process.stdout.readline()
                assert line, "it ended"
                said += line
            point = push_point(state(place).settings)
            assert point is not None
            assert json.loads(said) == {"url": point.url}
            yield point
        finally:
            process.terminate()
            process.wait(20)


def woken(place: Path, who: str, within: float) -> bool:
    mark = home(place, who) / "run" / "wake"
    end = time.monotonic() + within
    while time.monotonic() < end:
        if mark.exists():
            mark.unlink()
            return True
        time.sleep(0.05)
    return False


def test_a_listener_is_woken_by_a_commit_and_by_nothing_else(team: Path) -> None:
    (home(team, "bob") / "run").mkdir(exist_ok=True)
    with pushing(team) as point:
        listener = Listener(home(team, "bob"), state(team).group, point, first_wait=0.1)
        try:
            assert woken(team, "bob", 20), "where the log is now"
            assert not woken(team, "bob", 1.5)
            sc(team, "ada", "hub", "settings", "canary", "0.5")
            assert woken(team, "bob", 20)
        finally:
            listener.stop()


def test_only_who_knows_the_token_listens(team: Path) -> None:
    with pushing(team) as point:
        url = f"{point.url}/v1/groups/{state(team).group}/events"
        for token, group in (("", ""), ("x" * 32, ""), (point.token, "0" * 32)):
            request = urllib.request.Request(
                url if not group else f"{point.url}/v1/groups/{group}/events",
                headers={"Authorization": f"Bearer {token}"},
            )
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=10)
            assert refused.value.code == (404 if group else 401)
            refused.value.close()
        parts = urlsplit(url)
        line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        line.request("GET", parts.path, headers={"Authorization": f"Bearer {point.token}"})
        answer = line.getresponse()
        assert answer.readline() == b"event: log\n"
        told = json.loads(answer.readline().removeprefix(b"data: "))
        assert told == {"seq": state(team).seq}
        line.close()


def test_a_token_goes_over_tls_or_nowhere() -> None:
    token = "t" * 32
    assert may_listen(PushPoint("https://news.example/x", token))
    assert may_listen(PushPoint("http://127.0.0.1:8", token))
    assert may_listen(PushPoint("http://localhost:8", token))
    assert not may_listen(PushPoint("http://news.example", token))
    assert not may_listen(PushPoint("http://10.0.0.1:8", token))


@pytest.mark.parametrize(
    "given",
    [None, {}, {"url": "ftp://x", "token": "t" * 32}, {"url": "https://x", "token": "a b"}, {"url": 3}, "x"],
)
def test_what_is_no_push_point_is_none(given: object) -> None:
    assert push_point({"push": given}) is None


def test_an_owner_sets_and_everybody_reads(team: Path) -> None:
    assert sc(team, "bob", "hub", "settings") == {"policy": "team"}
    sc(team, "ada", "hub", "settings", "canary", "0.25")
    sc(team, "ada", "hub", "settings", "hosts", '["git.example.com"]')
    sc(team, "ada", "hub", "settings", "policy", "strict")
    assert sc(team, "bob", "hub", "settings") == {
        "canary": 0.25,
        "hosts": ["git.example.com"],
        "policy": "strict",
    }
    assert sc(team, "ada", "hub", "settings", "canary", "--unset") == {}
    assert "canary" not in state(team, "bob").settings
    before = state(team).seq
    sc(team, "ada", "hub", "settings", "policy", "strict")
    assert state(team).seq == before, "nothing changes"
    with pytest.raises(SkillClawError):
        sc(team, "bob", "hub", "settings", "canary", "1")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("canary", value) for value in ("0", "2", "often")),
        *(("policy", value) for value in ("solo", "mild")),
        *(("retention_days", value) for value in ("0", "1.5")),
        ("hosts", "git.example.com"),
        ("share", '{"hubs": {"x": "redacted"}}'),
        ("push", '{"url": "https://user:pw@x", "token": "tttttttttttttttt"}'),
    ],
)
def test_a_wrong_value_is_refused(tmp_path: Path, key: str, value: str) -> None:
    found(tmp_path)
    before = state(tmp_path).seq
    with pytest.raises(BadInputError):
        sc(tmp_path, "ada", "hub", "settings", key, value)
    assert state(tmp_path).seq == before


def test_errors_are_told(team: Path) -> None:
    with pytest.raises(UsageError, match="no setting"):
        sc(team, "ada", "hub", "settings", "colour", "red")
    with pytest.raises(UsageError, match="no setting"):
        sc(team, "ada", "hub", "settings", "colour")
    told = fails("hub", "push", "--listen", "nowhere", home=team / "ada", code=2)
    assert "no address" in told
    assert hub(team).info.group
