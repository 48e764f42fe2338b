"""Real agents at a case: in the room, on a scripted provider, with the skills of the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli import skillclaw
from clients import binary
from replay_house import ASKED, GRADE, write_case
from scripted import Script, Shell, Upstream

from skillclaw.sandbox import why_no_room

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(bool(why_no_room()), reason=why_no_room()),
]
STEPS: Any = (
    Shell("ls $HOME; echo sealed May > report.txt"),
    Shell("curl -sS -m 3 http://127.0.0.1:PORT/ || true"),
)


@pytest.mark.parametrize(
    ("agent", "program", "protocol"),
    [("claude-code", "claude", "anthropic"), ("codex", "codex", "responses")],
)
def test_an_installed_agent_works_on_a_case(tmp_path: Path, agent: str, program: str, protocol: str) -> None:
    folder = Path(binary(program)).parent.parent.parent
    write_case(
        tmp_path / ".skillclaw" / "cases",
        "May",
        toml=f'instruction = "{ASKED.format("May")}"\ntimeout = 200\n',
        grade=GRADE.format("May"),
    )
    with Upstream({"monthly report": Script(steps=STEPS, final="It is written.")}) as upstream:
        for key, value in {
            "evolve.cli.agent": agent,
            "evolve.cli.model": "the-model",
            "evolve.cli.upstream": "house",
            "upstreams.house.url": f"{upstream.url}/v1",
            "upstreams.house.protocol": protocol,
            "upstreams.house.key": "env:HOUSE_KEY",
        }.items():
            done = skillclaw("config", "set", key, value, home=tmp_path)
            assert done.returncode == 0, done.stderr
        done = skillclaw(
            *("cases", "run", "May", "--agent", agent, "--json"),
            home=tmp_path,
            environ={"HOUSE_KEY": "a-secret-key-of-the-house", "E2E_CLIENTS": str(folder)},
            timeout=280,
        )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert (told["scores"], told["agent"], told["model"]) == ([1.0], agent, "the-model"), told
    assert told["spent"]["calls"] >= 3
    asked = [one for one in upstream.seen if one.method == "POST"]
    assert asked and {one.json["model"] for one in asked} == {"the-model"}
    assert {one.header("x-skillclaw-own") for one in asked} == {"evolver"}
    assert all("a-secret-key-of-the-house" not in one.body.decode() for one in asked)
    assert not list((tmp_path / ".skillclaw" / "replay").glob("run-*"))
