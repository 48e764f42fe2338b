"""What `skillclaw jobs run` may spend in a day: with jobs left, it says which limit is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asked import skill_in
from atif_sessions import Ran, session, write
from cli import ok, ok_json
from providers import Call, Provider
from team import found, joined, sc
from voters import evolved

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PRICE = {"SKILLCLAW_EVOLVE__MODEL__USD_IN": "10", "SKILLCLAW_EVOLVE__MODEL__USD_OUT": "10"}
ERROR = "npm error code EUSAGE\nnpm error The package-lock.json file is not in sync"
MANAGED = "error: externally-managed-environment\n\nThis environment is externally managed"
RECOVERY = (
    Ran("pip install httpie", 1, MANAGED),
    Ran("python3 -m venv .venv", 0, ""),
    Ran(".venv/bin/pip install httpie", 0, "Successfully installed httpie"),
)
LOCKED = (Ran("npm ci", 1, ERROR), Ran("npm install", 0, "added 12 packages"), Ran("npm ci", 0, "added 12"))


def obedient(body: dict[str, Any]) -> Call:
    """A model that does as the skill says that it is shown, and else what fails."""
    told = skill_in(str(body["messages"][-1]["content"]))
    if "npm" in str(body["messages"][-1]["content"]):
        return Call("Bash", {"command": "npm install" if "npm install" in told else "npm ci"})
    return Call("Bash", {"command": "python3 -m venv .venv" if "-m venv" in told else "pip install httpie"})


def settings(provider: Provider, **votes: object) -> dict[str, str]:
    table = provider.settings(key="env:KEY")
    named = {f"SKILLCLAW_EVOLVE__MODEL__{name.upper()}": str(value) for name, value in table.items()}
    limits = {f"SKILLCLAW_GATE__VOTES__{name.upper()}": str(value) for name, value in votes.items()}
    unlimited = {f"SKILLCLAW_GATE__VOTES__DAY_{name}": "0" for name in ("JOBS", "CALLS", "TOKENS", "USD")}
    return {**named, **PRICE, **unlimited, **limits, "SKILLCLAW_GATE__REPLAY__REPEATS": "5", "KEY": "test"}


def learned(place: Path, who: str, count: int) -> None:
    """Sessions of two kinds, on the machine of `who`."""
    kinds = (("install httpie please", RECOVERY), ("install the packages of this project", LOCKED))
    made = [session("", n, task, ran) for n in range(count) for task, ran in kinds]
    for number, one in enumerate(made):
        del one["extra"]["skillclaw"]["user"]
        one["session_id"] = f"{who}-{number}"
    sc(place, who, "import", str(write(place / who / "both.jsonl", made)))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A group that asks for votes on two changes; Eve's machine has sessions of both kinds."""
    place = tmp_path_factory.mktemp("asked")
    found(place)
    for who in ("bob", "cyd", "eve"):
        joined(place, who)
    for who in ("bob", "cyd"):
        learned(place, who, 2)
        sc(place, who, "config", "set", "share.default", "redacted")
        sc(place, who, "share", "allow", "--hub", "team", "--past")
        sc(place, who, "share", "send")
    sc(place, "ada", "hub", "settings", "votes", "{}")
    assert [one["verdict"] for one in evolved(place)["proposals"]] == ["open", "open"]
    learned(place, "eve", 4)
    sc(place, "eve", "config", "set", "gate.votes.enabled", "true")
    assert [one["why"] for one in sc(place, "eve", "jobs", "list")["open"]] == ["", ""]
    return place


@pytest.fixture(scope="module")
def tried(asked: Path) -> tuple[Path, dict[str, Any]]:
    """The same after `jobs run` with one job a day: what it spent."""
    with Provider("chat", obedient) as provider:
        environ = settings(provider, day_jobs=1)
        (done,) = ok_json("jobs", "run", home=asked / "eve", environ=environ)
        assert done["state"] == "sent", done
    told = ok_json("jobs", "list", home=asked / "eve")
    assert sorted(one["here"] for one in told["open"]) == ["", "sent"]
    assert (told["today"]["jobs"], told["limit"]) == (1, "")
    return asked, told["today"]


@pytest.mark.parametrize("limit", ["jobs", "tokens", "usd"])
def test_a_job_is_left_where_the_day_is_used_up(tried: tuple[Path, dict[str, Any]], limit: str) -> None:
    place, spent = tried
    assert spent[limit] > 0
    with Provider("chat", obedient) as provider:
        environ = settings(provider, **{f"day_{limit}": spent[limit]})
        assert ok_json("jobs", "run", home=place / "eve", environ=environ) == []
        said = ok("jobs", "run", home=place / "eve", environ=environ)
        listed = ok_json("jobs", "list", home=place / "eve", environ=environ)
        assert provider.seen == [], "nothing is asked"
    assert "Nothing was tried." in said
    assert "The day's limit is reached: " in said and f"gate.votes.day_{limit}" in said
    assert listed["limit"] in said
    assert listed["limit"] in ok("jobs", "list", home=place / "eve", environ=environ)
    assert sorted(one["here"] for one in listed["open"]) == ["", "sent"]


def test_where_one_job_a_day_is_tried_of_two_it_says_so(tried: tuple[Path, dict[str, Any]]) -> None:
    """By its id a job is tried beyond the day's number of them."""
    place, _ = tried
    (left,) = [one for one in sc(place, "eve", "jobs", "list")["open"] if not one["here"]]
    with Provider("chat", obedient) as provider:
        environ = settings(provider, day_jobs=1)
        assert ok_json("jobs", "run", home=place / "eve", environ=environ) == []
        (done,) = ok_json("jobs", "run", left["proposal"], home=place / "eve", environ=environ)
        assert (done["proposal"], done["state"]) == (left["proposal"], "sent")
        assert provider.seen
