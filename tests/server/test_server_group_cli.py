"""Commands of a group: whether the evolver's own agent may read what members sent, and how the inbox ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli import skillclaw
from team import found, home, joined, sc

from skillclaw.errors import UsageError


def test_in_a_group_the_engine_cli_is_off_until_the_owner_allows_it(tmp_path: Path) -> None:
    found(tmp_path)

    def evolve() -> None:
        sc(tmp_path, "ada", "evolve", "--hub", "team", "--engine", "cli")

    with pytest.raises(UsageError, match="no member's own agent may write skills") as told:
        evolve()
    assert "hub settings evolver_cli true" in told.value.todo
    sc(tmp_path, "ada", "hub", "settings", "evolver_cli", "true")
    with pytest.raises(UsageError, match="none is named"):
        evolve()
    key = "sk-" + "AdasOwnKey" * 3
    login = tmp_path / "ada" / ".claude" / ".credentials.json"
    login.parent.mkdir()
    login.write_text(f'{{"claudeAiOauth": {{"accessToken": "{key}", "expiresAt": 9e15}}}}', "utf-8")
    with (home(tmp_path, "ada") / "config.toml").open("a", encoding="utf-8") as file:
        file.write('\n[evolve.cli]\nagent = "claude-code"\nmodel = "model-1"\n')
    sc(tmp_path, "ada", "hub", "settings", "model", "acme.example, in Bern")
    with pytest.raises(UsageError, match=r"would go to api\.anthropic\.com to be drafted from"):
        evolve()
    sc(tmp_path, "ada", "hub", "settings", "evolver_cli", "false")
    with pytest.raises(UsageError, match="no member's own agent"):
        evolve()


@pytest.mark.live
def test_the_inbox_fails_where_no_key_was_accepted(tmp_path: Path) -> None:
    sc(tmp_path, "ada", "hub", "init", str(tmp_path / "group"), "--name", "team")
    joined(tmp_path, "erik", "--role", "evolver")
    asked = sc(tmp_path, "erik", "hub", "rotate")["sealing"]

    def ended(who: str, *args: str) -> int:
        return skillclaw("hub", "inbox", *args, home=tmp_path / who).returncode

    joined(tmp_path, "bob")
    for how in ((), ("--json",)):
        assert ended("ada", *how) == 0, "without a key there is nothing to fail at"
        sc(tmp_path, "bob", "hub", "rotate")
        assert ended("ada", "--accept", "e" * 64, *how) == 1, "a key that waits for nobody is another matter"
        assert ended("nobody", "--accept", asked, *how) == 1
    assert ended("ada", "--accept", asked, "--json") == 0
    assert ended("ada", "--accept", asked, "--json") == 1, "it waits no longer"
