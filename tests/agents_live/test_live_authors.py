"""Hermes and OpenClaw as authors of skills (engine `cli`); Claude Code and Codex are in tests/e2e."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from authors import DRAFT, kept, learned
from cli import skillclaw
from live import Client
from scripted import Script, Shell, Upstream
from test_live_hermes import CLIENT as HERMES
from test_live_openclaw import CLIENT as OPENCLAW

from skillclaw.sandbox import why_no_room

no_room = why_no_room()
pytestmark = pytest.mark.skipif(bool(no_room), reason=f"no sandbox here: {no_room}")
SECRET = "sk-" + "LiveAuthorKey" * 3
HERMES_CONFIG = "model:\n  default: m\n  provider: mine\nproviders:\n  mine:\n"
HERMES_CONFIG += "    base_url: {url}\n    api_key: {key}\n"
PROVIDER = {"api": "openai-completions", "models": [{"id": "m", "name": "m"}]}


def login(home: Path, name: str, url: str) -> None:
    if name == "hermes":
        path, text = home / ".hermes" / "config.yaml", HERMES_CONFIG.format(url=url, key=SECRET)
    else:
        mine = {**PROVIDER, "baseUrl": url, "apiKey": SECRET}
        path = home / ".openclaw" / "openclaw.json"
        defaults = {"model": {"primary": "mine/m"}}
        text = json.dumps({"models": {"providers": {"mine": mine}}, "agents": {"defaults": defaults}})
    path.parent.mkdir()
    path.write_text(text, "utf-8")


@pytest.mark.parametrize(("name", "client"), [("hermes", HERMES), ("openclaw", OPENCLAW)])
def test_the_real_agent_writes_a_skill_with_its_providers_key(
    tmp_path: Path, name: str, client: Client
) -> None:
    path = f"{client.bin()}:/usr/local/bin:/usr/bin:/bin"
    write = f"python3 - <<'END'\n{DRAFT}\nwrite(draft())\nEND"
    steps = (Shell("cat GUIDE.md; env; cat $HOME/.hermes/config.yaml"), Shell(write))
    with Upstream({"decide about one skill": Script(steps=steps, final="Written.")}) as upstream:
        login(tmp_path, name, f"{upstream.url}/v1")
        learned(tmp_path, cli_agent=f"'{name}'", cli_model="'model-1'")
        done = skillclaw(
            "evolve", "--engine", "cli", "--json", home=tmp_path, environ={"PATH": path}, timeout=400
        )
        assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (proposal,) = told["proposals"]
    assert (proposal["skill"], proposal["verdict"], told["notes"]) == ("run-tests-till", "passed", [])
    asked = [one for one in upstream.seen if one.method == "POST"]
    assert {one.header("authorization") for one in asked} == {f"Bearer {SECRET}"}
    said = b"".join(one.body for one in asked).decode()
    assert "Decide what should be done with one skill" in said
    assert SECRET not in said + kept(tmp_path) + done.stdout + done.stderr
