"""Which agents there are; plugins of other packages, also broken ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from skillclaw.agents import Adapter, Env, adapters, registry

PLUGIN = """
from skillclaw.agents.generic import Generic

class Mine(Generic):
    name = "mine"
    title = "Mine"

ADAPTER = Mine()

class Taken(Mine):
    name = "codex"
"""


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "my_agents_plugin.py").write_text(PLUGIN, "utf-8")
    info = tmp_path / "my_agents_plugin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: my-agents-plugin\nVersion: 1\n", "utf-8")
    points = [
        "[skillclaw.agents]",
        "a = my_agents_plugin",
        "b = my_agents_plugin_that_is_not_there",
        "c = my_agents_plugin:PLUGIN_GONE",
        "d = my_agents_plugin:Taken",
        "e = json:JSONDecoder",
    ]
    (info / "entry_points.txt").write_text("\n".join(points) + "\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.forget()
    yield
    registry.forget()


def test_the_agents_of_this_folder() -> None:
    found = adapters()
    assert {"claude-code", "codex", "generic"} <= set(found)
    for name, adapter in found.items():
        assert isinstance(adapter, Adapter)
        assert adapter.name == name and adapter.title


@pytest.mark.usefixtures("plugins")
def test_plugins_join_and_broken_ones_do_not_stop_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    found = adapters()
    assert found["mine"].title == "Mine"
    assert found["codex"].title == "Codex"
    assert {"claude-code", "generic"} <= set(found)
    assert len(caplog.records) == 4


def test_the_surroundings_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_HOME", "~/elsewhere")
    monkeypatch.chdir(tmp_path)
    env = Env.current()
    assert env.cwd == tmp_path.resolve() or env.cwd == tmp_path
    assert env.folder("CODEX_HOME", ".codex") == Path.home() / "elsewhere"
    monkeypatch.setenv("CODEX_HOME", "rel")
    assert Env.current().folder("CODEX_HOME", ".codex") == env.cwd / "rel"
