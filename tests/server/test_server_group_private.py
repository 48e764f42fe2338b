"""What single members said stays sealed: the group's hub gets the skill, and nobody's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from atif_sessions import Ran, session, write
from chat_model import ChatModel, call
from providers import Fail, Provider
from team import found, hub, invited, joined, sc, state

from skillclaw.errors import UsageError
from skillclaw.skills.records import Proposal

OWN = "for the Zanzibar merger"


def corrected(who: str, number: int, more: str = "") -> dict[str, Any]:
    """A session in which the user says what to do instead."""
    one = session("", number, "run the unit tests please", [Ran("npm test"), Ran("pnpm test")])
    del one["extra"]["skillclaw"]["user"]
    one["session_id"] = f"{who}-{number}"
    said = {"source": "user", "message": f"no, use pnpm test instead of npm test {more}".strip()}
    one["steps"].insert(2, said)
    for at, step in enumerate(one["steps"], 1):
        step["step_id"] = at
    return one


def test_words_of_one_member_are_not_published(tmp_path: Path) -> None:
    found(tmp_path)
    for who in ("bob", "cyd"):
        joined(tmp_path, who)
        made = [corrected(who, n, OWN if (who, n) == ("bob", 2) else "") for n in (1, 2, 3)]
        sc(tmp_path, who, "import", str(write(tmp_path / who / "s.jsonl", made)))
        sc(tmp_path, who, "config", "set", "share.default", "redacted")
        sc(tmp_path, who, "share", "allow", "--hub", "team", "--past")
        assert sc(tmp_path, who, "share", "send")[0]["sent"] == 3
    report = sc(tmp_path, "ada", "evolve", "--hub", "team")
    assert [one["kind"] for one in report["patterns"]] == ["correction"]
    assert [one["verdict"] for one in report["proposals"]] == ["passed"]
    (known,) = state(tmp_path).proposals.values()
    record = msgspec.json.decode(hub(tmp_path).get_object(known.object), type=Proposal)
    assert record.bundle is not None and b"pnpm" in record.bundle.files[0].data
    for path in (tmp_path / "group").rglob("*"):
        assert not path.is_file() or b"Zanzibar" not in path.read_bytes(), path
    assert sc(tmp_path, "ada", "evolve", "--hub", "team")["released"] == []


def telltale(line: str, why: str) -> Callable[[dict[str, Any]], Any]:
    """An author that writes `line` and `why` whatever it is told, and hands that in."""

    def answer(request: dict[str, Any]) -> Any:
        cited = re.search(r"\| ([0-9a-f]{16}) \| correction ", json.dumps(request["messages"]))
        assert cited is not None
        edit = {"op": "add", "kind": "fix", "text": line, "patterns": [cited[1]]}
        said = "Tests with pnpm: what to run. Use when asked to run the unit tests."
        draft = call("draft", action="create", why=why, description=said, edits=[edit])
        at = sum(message["role"] == "assistant" for message in request["messages"])
        return [draft, *[call("submit")] * 3][min(at, 3)]

    return answer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "why", "verdict"),
    [
        ("Run `pnpm test` instead of `npm test`.", "It is needed for `zanzibar merger`.", "passed"),
        ("Run `pnpm test --for zanzibar` instead of `npm test`.", "They say so.", "rejected"),
        ("For the Zanzibar merger run `pnpm test` instead of `npm test`.", "They say so.", "rejected"),
    ],
)
def test_words_of_one_member_that_an_author_repeats_are_not_published(
    tmp_path: Path, line: str, why: str, verdict: str
) -> None:
    found(tmp_path)
    for who in ("bob", "cyd"):
        joined(tmp_path, who)
        made = [corrected(who, n, OWN if (who, n) == ("bob", 2) else "") for n in (1, 2, 3)]
        sc(tmp_path, who, "import", str(write(tmp_path / who / "s.jsonl", made)))
        sc(tmp_path, who, "config", "set", "share.default", "redacted")
        sc(tmp_path, who, "share", "allow", "--hub", "team", "--past")
        sc(tmp_path, who, "share", "send")
    with ChatModel(telltale(line, why)) as model:
        sc(tmp_path, "ada", "config", "set", "evolve.model.name", "scripted")
        sc(tmp_path, "ada", "config", "set", "evolve.model.url", model.url)
        report = sc(tmp_path, "ada", "evolve", "--hub", "team", "--engine", "agent")
        asked = len(model.seen)
        assert [one["verdict"] for one in report["proposals"]] == [verdict], report["notes"]
        for path in (tmp_path / "group").rglob("*"):
            assert not path.is_file() or b"zanzibar" not in path.read_bytes().lower(), path
        (known,) = state(tmp_path).proposals.values()
        assert known.status == {"passed": "released"}.get(verdict, verdict)
        if verdict == "rejected":
            again = sc(tmp_path, "ada", "evolve", "--hub", "team", "--engine", "agent", "--full")
            assert (again["proposals"], len(model.seen)) == ([], asked), "it is known as tried"


def test_what_members_asked_goes_to_no_provider_that_the_group_was_not_told_of(tmp_path: Path) -> None:
    found(tmp_path, "--model", "none (extractive)")
    sc(tmp_path, "ada", "config", "set", "evolve.embeddings", "https://api.example.org/v1")
    sc(tmp_path, "ada", "config", "set", "evolve.embeddings_model", "m")
    with pytest.raises(UsageError, match=r"api\.example\.org"):
        sc(tmp_path, "ada", "evolve", "--hub", "team")
    sc(tmp_path, "ada", "hub", "settings", "model", "embeddings by api.example.org", "--hub", "team")
    assert sc(tmp_path, "ada", "evolve", "--hub", "team")["hub"] == "team"
    sc(tmp_path, "ada", "config", "set", "evolve.embeddings", "https://example.org/v1")
    with pytest.raises(UsageError, match="told another provider"):
        sc(tmp_path, "ada", "evolve", "--hub", "team")


def test_a_group_that_was_told_of_no_provider_has_none(tmp_path: Path) -> None:
    found(tmp_path)
    sc(tmp_path, "ada", "config", "set", "evolve.embeddings", "https://api.example.org/v1")
    sc(tmp_path, "ada", "config", "set", "evolve.embeddings_model", "m")
    with pytest.raises(UsageError, match="told of no provider"):
        sc(tmp_path, "ada", "evolve", "--hub", "team")


@pytest.mark.slow
def test_no_model_that_the_group_was_not_told_of_gets_what_members_did(tmp_path: Path) -> None:
    found(tmp_path, "--model", "none (extractive)")
    with Provider("chat", Fail(401)) as provider:
        for name, value in provider.settings(url="https://api.example.org/v1").items():
            sc(tmp_path, "ada", "config", "set", f"evolve.model.{name}", str(value))
        with pytest.raises(UsageError, match=r"api\.example\.org"):
            sc(tmp_path, "ada", "evolve", "--hub", "team", "--engine", "llm")
        assert sc(tmp_path, "ada", "evolve", "--hub", "team")["model"] == "", "no model, nobody to tell of"
        sc(tmp_path, "ada", "config", "set", "evolve.model.url", provider.url)
        report = sc(tmp_path, "ada", "evolve", "--hub", "team", "--engine", "llm")
        assert (report["model"], report["spent"]["calls"]) == ("openai:m", 0), "a model here tells nobody"


def test_one_place_has_one_name(tmp_path: Path) -> None:
    found(tmp_path)
    text = invited(tmp_path)
    sc(tmp_path, "bob", "hub", "join", text)
    with pytest.raises(UsageError, match="team here already"):
        sc(tmp_path, "bob", "hub", "join", text, "--name", "other")
