"""NemoClaw cannot be connected from outside: what it is told, and that nothing is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agents_material import make_env

from skillclaw.agents import Env, adapters, wiring
from skillclaw.errors import UsageError

NEMO = adapters()["nemoclaw"]
URL = "http://127.0.0.1:8787/nemoclaw"
REGISTRY = {
    "defaultSandbox": "helper",
    "sandboxes": {
        "helper": {"name": "helper", "model": "nvidia/nemotron", "provider": "nvidia-nim", "agent": None},
        "other": {"name": "other", "model": "m", "provider": "p", "agent": "hermes"},
    },
}


@pytest.fixture
def env(tmp_path: Path) -> Env:
    env = make_env(tmp_path)
    folder = env.home / ".nemoclaw"
    folder.mkdir()
    (folder / "sandboxes.json").write_text(json.dumps(REGISTRY), "utf-8")
    return env


def test_connecting_tells_the_commands_and_changes_nothing(env: Env, tmp_path: Path) -> None:
    before = (env.home / ".nemoclaw/sandboxes.json").read_bytes()
    for attempt in (
        lambda: wiring.connect(tmp_path / "s", env, NEMO, URL),
        lambda: NEMO.launch(env, URL, []),
    ):
        with pytest.raises(UsageError) as told:
            attempt()
        assert "agents.nemoclaw.upstream" in told.value.todo
        assert "NEMOCLAW_VLLM_PORT=8787 " in told.value.todo
        assert f"NEMOCLAW_ENDPOINT_URL={URL}/v1 " in told.value.todo
        assert "NEMOCLAW_MODEL=nvidia/nemotron " in told.value.todo
    assert (env.home / ".nemoclaw/sandboxes.json").read_bytes() == before
    assert not (tmp_path / "s").exists()


def test_its_sandboxes_are_found(env: Env) -> None:
    found = NEMO.detect(env, versions=False)
    assert found.installed and found.config == env.home / ".nemoclaw/sandboxes.json"
    told = [one.text for one in NEMO.doctor(env, None) if "sandbox" in one.subject]
    assert len(told) == 1 and "helper" in told[0] and "nvidia-nim" in told[0]
    assert not any(one.level == "fail" for one in NEMO.doctor(env, None))
    (env.home / ".nemoclaw/sandboxes.json").write_text("{broken", "utf-8")
    assert not NEMO.detect(env, versions=False).installed
    assert not [one for one in NEMO.doctor(env, None) if "sandbox" in one.subject]
