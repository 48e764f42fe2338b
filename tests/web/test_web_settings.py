"""The page of settings: what one changes there is what commands say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli import skillclaw
from dashboard_house import Dash, Visitor, dashboard


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person with Claude Code's settings file and no program of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text(
        '{"env": {"ANTHROPIC_BASE_URL": "https://api.anthropic.com"}}\n'
    )
    return tmp_path


@pytest.fixture
def dash(person: Path) -> Iterator[Dash]:
    with dashboard(person / ".skillclaw") as one:
        yield one


@pytest.fixture
def visitor(dash: Dash) -> Visitor:
    return dash.visitor()


def config(person: Path, key: str) -> object:
    return json.loads(skillclaw("config", "get", key, "--json", home=person).stdout)


def test_a_policy_and_a_budget_are_what_the_commands_read(person: Path, visitor: Visitor) -> None:
    page = visitor.get("/settings")
    form = page.html.one("section", id="policy").one("form")
    answer = visitor.submit(form, **{"gate.policy": "strict", "gate.switchback": "true"})
    assert "gate.policy" in answer.told
    assert config(person, "gate.policy") == "strict"
    assert config(person, "gate.switchback") is True
    chosen = [one for one in answer.html.find("option", value="strict") if "selected" in one.attrs]
    assert len(chosen) == 1
    form = answer.html.one("section", id="budget").one("form")
    assert "evolve.budget.usd" in visitor.submit(form, **{"evolve.budget.usd": "2.5"}).told
    assert config(person, "evolve.budget.usd") == 2.5


def test_what_is_left_as_it_was_is_not_written(person: Path, visitor: Visitor) -> None:
    form = visitor.get("/settings").html.one("section", id="machine").one("form")
    answer = visitor.submit(form, **{"gate.policy": "solo"})
    assert "Nothing was changed" in answer.told
    assert not (person / ".skillclaw" / "config.toml").exists()


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("gate.policy", "anarchy", "gate.policy"),
        ("evolve.model.key", "sk-ant-abc123def456", "never the key itself"),
        ("no.such.key", "1", "no.such.key"),
        ("proxy.port", "70000", "proxy.port"),
        ("share.default", "redacted", "own part"),
        ("evolve.model.name", "x" * 5000, "too long"),
    ],
)
def test_a_wrong_value_is_told_and_nothing_is_written(
    person: Path, visitor: Visitor, key: str, value: str, told: str
) -> None:
    page = visitor.post("/settings/change", {"key": key, "value": value})
    assert told in page.told
    assert page.html.find("div", cls="wrong")
    assert "sk-ant-abc" not in page.body
    assert not (person / ".skillclaw" / "config.toml").exists()


def test_an_agent_is_shown_planned_connected_and_put_back(person: Path, visitor: Visitor) -> None:
    file = person / ".claude" / "settings.json"
    before = file.read_bytes()
    assert "Claude Code" in visitor.get("/settings/agents").text
    plan = visitor.get("/settings/agents/claude-code")
    assert "127.0.0.1:8787/claude-code" in plan.text
    assert file.read_bytes() == before
    page = visitor.post("/settings/agents/claude-code/connect")
    assert "Claude Code is connected" in page.told
    assert b"127.0.0.1:8787/claude-code" in file.read_bytes()
    page = visitor.post("/settings/agents/claude-code/disconnect")
    assert "put back" in page.told
    assert file.read_bytes() == before


def test_an_agent_can_be_followed_by_its_history_alone(person: Path, visitor: Visitor) -> None:
    page = visitor.post("/settings/agents/claude-code/connect", {"how": "history"})
    assert "followed" in page.told
    assert json.loads((person / ".skillclaw" / "wanted.json").read_text())["history"] == ["claude-code"]


def test_there_is_no_such_agent(visitor: Visitor) -> None:
    assert "no agent named" in visitor.post("/settings/agents/nobody/connect").told


def test_the_doctor_says_the_mend(visitor: Visitor) -> None:
    page = visitor.get("/settings/doctor")
    assert "skillclaw up -d" in page.text


def test_sharing_with_a_group_is_allowed_and_denied(tmp_path: Path, person: Path) -> None:
    team = tmp_path / "team"
    assert skillclaw("hub", "init", str(team), home=person).returncode == 0
    names = json.loads(skillclaw("config", "show", "--json", home=person).stdout)
    (hub,) = {key.split(".")[1] for key in names if key.startswith("hubs.") and key.endswith(".url")}
    with dashboard(person / ".skillclaw") as dash:
        visitor = dash.visitor()
        assert hub in visitor.get("/settings/sharing").text
        page = visitor.post("/settings/share", {"kind": "hub", "name": hub, "say": "allow"})
        assert f"share.hubs.{hub}" in page.told
        assert config(person, f"share.hubs.{hub}") == "redacted"
        visitor.post("/settings/share", {"kind": "hub", "name": hub, "say": "deny"})
        assert config(person, f"share.hubs.{hub}") == "off"
        assert (
            "Say what" in visitor.post("/settings/share", {"kind": "all", "name": "x", "say": "allow"}).told
        )


def test_the_page_in_chinese(dash: Dash) -> None:
    page = dash.visitor(language="zh-CN").get("/settings")
    assert page.html.one("h1").text == "设置"
    assert "预算" in page.text


def test_who_may_only_look_changes_nothing(person: Path, dash: Dash) -> None:
    visitor = dash.visitor(read_only=True)
    page = visitor.post("/settings/change", {"key": "gate.policy", "value": "strict"})
    assert "may look" in page.told
    assert not (person / ".skillclaw" / "config.toml").exists()
