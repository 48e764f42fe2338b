"""`skillclaw jobs` as users run it: their own sessions, their own model over HTTP, counts to the group."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asked import skill_in
from cli import fails, ok, ok_json
from providers import Call, Provider, Say
from serving import running_up, wait
from team import home, sc, state, taken
from voters import PRIVATE, every_byte, evolved, member, status, taught

from skillclaw.server.votes.idleness import in_hours

pytestmark = pytest.mark.slow


def obedient(knows: str) -> Callable[[dict[str, Any]], Any]:
    """A model that does as the skill says that it is shown; without one, what it knows by itself."""

    def act(body: dict[str, Any]) -> Any:
        prompt = str(body["messages"][-1]["content"])
        told = "-m venv" in skill_in(prompt)
        return Call("Bash", {"command": "python3 -m venv .venv" if told else knows})

    return act


def settings(provider: Provider) -> dict[str, str]:
    table = provider.settings(key="env:KEY")
    named = {f"SKILLCLAW_EVOLVE__MODEL__{name.upper()}": str(value) for name, value in table.items()}
    return {**named, "SKILLCLAW_GATE__REPLAY__REPEATS": "5", "KEY": "of-the-test"}


def test_two_machines_try_it_with_their_own_model_and_it_is_released(tmp_path: Path) -> None:
    proposal = taught(tmp_path)
    with Provider("chat", obedient("pip install httpie")) as provider:
        for who in ("eve", "fay"):
            (done,) = ok_json("jobs", "run", home=tmp_path / who, environ=settings(provider))
            assert (done["state"], done["cases"]["won"], done["cases"]["lost"]) == ("sent", 4, 0), done
            assert done["calls"] == len(provider.seen) > 0
            provider.seen.clear()
            told = ok_json("jobs", "list", home=tmp_path / who)
            assert told["today"]["jobs"] == 1 and told["today"]["calls"] == done["calls"]
            assert told["open"][0]["why"] == "This machine's counts wait in the inbox."
            shown = ok("jobs", "show", proposal, home=tmp_path / who)
            assert "pip install" in shown and "sent, 4 sessions" in shown
            assert PRIVATE not in shown
    text = every_byte(tmp_path / "group")
    assert PRIVATE.encode() not in text
    taken(tmp_path)
    assert evolved(tmp_path)["released"][0]["stage"] == "canary"
    assert status(tmp_path, proposal) == "released"
    found = state(tmp_path).proposals[proposal].counts
    assert {who: one.won for who, one in found.items()} == {
        member(tmp_path, "eve"): 4,
        member(tmp_path, "fay"): 4,
    }


def test_a_model_that_says_nothing_of_use_sends_no_counts(tmp_path: Path) -> None:
    taught(tmp_path)
    with Provider("chat", Say("I would rather not.")) as provider:
        (done,) = ok_json("jobs", "run", home=tmp_path / "eve", environ=settings(provider))
    assert done["state"] == "failed" or done["cases"]["tied"] == 4, done
    assert done["cases"].get("won", 0) == 0


def test_nothing_is_tried_where_the_user_has_not_allowed_it_or_works(tmp_path: Path) -> None:
    proposal = taught(tmp_path)
    ok("config", "set", "gate.votes.enabled", "false", home=tmp_path / "eve")
    assert "takes no part in votes" in fails("jobs", "run", home=tmp_path / "eve", code=2)
    assert "To let it" in ok("jobs", "list", home=tmp_path / "eve")
    with Provider("chat", obedient("pip install httpie")) as provider:
        # something went through fay's proxy a moment ago: somebody is there
        (home(tmp_path, "fay") / "journal").mkdir()
        (home(tmp_path, "fay") / "journal" / "00000001.seg").write_bytes(b"an exchange")
        assert ok_json("jobs", "run", "--idle", home=tmp_path / "fay", environ=settings(provider)) == []
        more = {**settings(provider), "SKILLCLAW_GATE__VOTES__DAY_CALLS": "1"}
        (done,) = ok_json("jobs", "run", home=tmp_path / "fay", environ=more)
        assert (done["state"], len(provider.seen)) == ("failed", 0), "it does not fit in what is left"
        assert "max_calls" in done["why"]
    assert status(tmp_path, proposal) == "open"


def test_it_stops_at_once_when_an_agent_begins_and_another_may_go_on(tmp_path: Path) -> None:
    proposal = taught(tmp_path, needed=1, voters=1)

    def slow(body: dict[str, Any]) -> Any:
        time.sleep(1)
        return Call("Bash", {"command": "pip install httpie"})

    base = {k: v for k, v in os.environ.items() if not k.startswith("SKILLCLAW_")}
    with Provider("chat", slow) as provider:
        for how in ("agent", "asked"):
            own = {"HOME": str(tmp_path / "eve"), "SKILLCLAW_HOME": str(home(tmp_path, "eve"))}
            own |= {**settings(provider), "SKILLCLAW_GATE__VOTES__IDLE": "0.001"}
            running = subprocess.Popen(
                [sys.executable, "-m", "skillclaw", "jobs", "run", "--idle"],
                env=base | own,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            seen = len(provider.seen)
            until = time.monotonic() + 60
            while len(provider.seen) == seen and time.monotonic() < until:
                time.sleep(0.05)
            began = time.monotonic()
            if how == "agent":
                journal = home(tmp_path, "eve") / "journal"
                journal.mkdir(exist_ok=True)
                (journal / "00000001.seg").write_bytes(b"an exchange")
            else:
                running.send_signal(signal.SIGTERM)
            out, _ = running.communicate(timeout=30)
            assert time.monotonic() - began < 10
            assert (running.returncode, "Traceback" in out) == (130, False), out
        tried = sc(tmp_path, "eve", "jobs", "list")["tried"]
        assert [one["state"] for one in tried] == ["stopped", "stopped"]
    with Provider("chat", obedient("pip install httpie")) as provider:
        (done,) = ok_json("jobs", "run", home=tmp_path / "fay", environ=settings(provider))
        assert done["state"] == "sent", "the slot was let go"
    assert re.fullmatch(r"[0-9a-f]{16}", proposal)


def test_up_votes_by_itself_while_nobody_works(tmp_path: Path) -> None:
    taught(tmp_path)
    with Provider("chat", obedient("pip install httpie")) as provider:
        for name, value in provider.settings(key="").items():
            if value != "":
                sc(tmp_path, "eve", "config", "set", f"evolve.model.{name}", str(value))
        sc(tmp_path, "eve", "config", "set", "gate.votes.idle", "0.001")
        with running_up(tmp_path, "eve"):

            def sent() -> list[str]:
                return [one["state"] for one in sc(tmp_path, "eve", "jobs", "list")["tried"]]

            wait(lambda: sent() == ["sent"], 90)
    assert taken(tmp_path)["taken"] == {"counts": 1}


def test_the_hours_are_of_the_day() -> None:
    from datetime import UTC, datetime

    night = [hour for hour in range(24) if in_hours("22-7", datetime(2026, 11, 27, hour, tzinfo=UTC))]
    assert night == [0, 1, 2, 3, 4, 5, 6, 22, 23]
    assert [hour for hour in range(24) if in_hours("9-17", datetime(2026, 11, 27, hour, tzinfo=UTC))] == [
        *range(9, 17)
    ]
    assert all(in_hours(given, datetime(2026, 11, 27, 3, tzinfo=UTC)) for given in ("", "0-24", "5-5"))
