"""The evolve server's API with real cycles, and every request that its own document allows and forbids."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_house import TOKEN, House, serving, wait_for
from atif_sessions import Ran, session, write
from team import found, joined, sc

ERROR = "error: externally-managed-environment\n\nThis environment is externally managed"
RECOVERY = (
    Ran("pip install httpie", 1, ERROR),
    Ran("python3 -m venv .venv", 0, ""),
    Ran(".venv/bin/pip install httpie", 0, "Successfully installed httpie"),
)


def worked(place: Path, who: str, *numbers: int) -> None:
    """Sessions of a member, shared with the team."""
    made = []
    for number in numbers:
        one = session("", number, "install httpie please", RECOVERY)
        del one["extra"]["skillclaw"]["user"]
        one["session_id"] = f"{who}-{number}"
        made.append(one)
    sc(place, who, "import", str(write(place / who / "s.jsonl", made)))
    sc(place, who, "config", "set", "share.default", "redacted")
    sc(place, who, "share", "allow", "--hub", "team", "--past")
    sc(place, who, "share", "send")


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    place = tmp_path_factory.mktemp("served")
    found(place)
    for who in ("bob", "cyd", "dan"):
        joined(place, who)
        worked(place, who, 1, 2)
    with serving(place) as made:
        made.propose(1)
        yield made


@pytest.mark.e2e
def test_a_cycle_is_asked_for_once_watched_and_explained(at: House) -> None:
    tried = at.post("groups/team/cycles", {"dry_run": True}, 202, Idempotency_Key="dry")
    assert at.post("groups/team/cycles", {"dry_run": True}, 202, Idempotency_Key="dry") == tried

    def over(id_: str) -> bool:
        return bool(at.get(f"groups/team/cycles/{id_}")["cycle"]["outcome"] != "running")

    wait_for(lambda: over(tried["id"]), "end of the dry run")
    report = at.get(f"groups/team/cycles/{tried['id']}")
    assert report["cycle"]["outcome"] == "done" and report["cycle"]["dry_run"] and report["whole"]
    assert at.get("groups/team/skills")["items"] == []

    real = at.post("groups/team/cycles", None, 202)["id"]
    wait_for(lambda: over(real), "end of the cycle")
    report = at.get(f"groups/team/cycles/{real}")
    assert (report["cycle"]["outcome"], report["cycle"]["trigger"]) == ("done", "demand")
    assert report["sessions"] == 6 and len(report["released"]) == 1
    assert [one["id"] for one in at.get("groups/team/cycles")["items"]] == [real, tried["id"]]
    assert at.get("groups/team/cycles?limit=1")["next"] == real
    assert at.get(f"groups/team/cycles?limit=1&after={real}")["items"][0]["id"] == tried["id"]

    (pattern, *_) = at.get("groups/team/patterns")["items"]
    assert pattern["users"] == 3
    skill = report["released"][0]["skill"]
    shown = at.get(f"groups/team/skills/{skill}")
    backed = next(item for item in shown["items"] if item["sessions"])
    why = at.get(f"groups/team/skills/{skill}/items/{backed['id']}/why")
    assert why["patterns"][0]["title"] and why["origin"]["proposal"] == report["proposals"][0]["id"]
    assert why["origin"]["verdicts"]

    page = at.get(f"groups/team/proposals/{report['proposals'][0]['id']}/evidence?limit=4")
    assert len(page["items"]) == 4 and page["next"] == "4"
    texts = [one["text"] for one in page["items"]]
    assert all("externally-managed" in text for text in texts)
    assert {one["person"] for one in page["items"]} <= {1, 2, 3}
    for name in ("bob", "cyd", "dan"):
        assert name not in str(page)
    # what a member takes back is not shown any more
    sc(at.place, "bob", "sessions", "forget", "--all", "--yes")
    sc(at.place, "ada", "hub", "inbox")
    page = at.get(f"groups/team/proposals/{report['proposals'][0]['id']}/evidence?limit=50")
    assert [one["text"] is None for one in page["items"]].count(True) == 2
    metrics = at.ask("GET", "/metrics").body.decode()
    assert 'skillclaw_cycles_total{hub="team",outcome="done"} 2.0' in metrics
    assert 'skillclaw_releases_total{hub="team"} 1.0' in metrics


def fuzz(at: House, *more: str) -> None:
    """Schemathesis over the whole API, half of the time with names that exist. Events have no end; they are
    tested by themselves."""
    known = at.get("groups/team/proposals")["items"][0]
    names = {"hub": "team", "proposal": known["id"], "name": known["skill"], "line": 3}
    lines = [f"[dictionaries.{name}]\nvalues = [{json.dumps(value)}]\n" for name, value in names.items()]
    lines += [f"[parameters.{name}]\ndictionary = {json.dumps(name)}\nprobability = 0.5\n" for name in names]
    (at.place / "schemathesis.toml").write_text("\n".join(lines))
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", "schemathesis.toml"),
            *("run", f"{at.running.url}/api/v1/openapi.json"),
            *("--header", f"Authorization: Bearer {TOKEN}"),
            *("--exclude-path", "/api/v1/events"),
            *("--generation-deterministic", "--request-timeout", "20", "--no-color"),
            *more,
        ],
        cwd=at.place,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.e2e
def test_every_answer_is_as_the_document_says(at: House) -> None:
    fuzz(at, "--phases", "coverage", "--exclude-method", "POST")


@pytest.mark.e2e
def test_what_changes_something_answers_as_the_document_says(at: House) -> None:
    fuzz(at, "--phases", "fuzzing", "--include-method", "POST", "--max-examples", "3")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_answer_is_as_the_document_says_for_long(at: House) -> None:
    fuzz(at, "--max-examples", "25")
