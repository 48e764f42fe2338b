"""An installed agent in the room of a case: its one way out is the model; the credential is added outside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from chat_model import ChatModel, text
from replay_house import ASKED, SKILL, Skill, bundle, ledger, proposal, write_case

from skillclaw.evolve.replay.executable import Limits, executable_scores
from skillclaw.evolve.replay.executable_agents import CliRunner
from skillclaw.evolve.replay.folder_cases import read_case
from skillclaw.headless import Endpoint, Platform, Turn
from skillclaw.headless.gateway import Way
from skillclaw.headless.programs import Program
from skillclaw.journal.records import OWN_HEADER
from skillclaw.sandbox import Mount, why_no_room

needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=why_no_room())
PLAYER = """\
import glob, json, os, subprocess, sys, urllib.request
skills = "".join(open(path).read() for path in glob.glob("/home/agent/.agents/skills/*/SKILL.md"))
skills += "".join(open(path).read() for path in glob.glob("/home/agent/.claude/skills/*/SKILL.md"))
base, key = os.environ["PLAYER_URL"], os.environ["PLAYER_KEY"]
body = {"model": "other", "messages": [{"role": "user", "content": skills}]}
request = urllib.request.Request(base + "/chat/completions", json.dumps(body).encode(),
    {"Authorization": "Bearer " + key, "Content-Type": "application/json"})
said = json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]
open("report.txt", "w").write(said + "\\n")
try:
    urllib.request.urlopen("http://127.0.0.1:%s/v1/models" % os.environ["PLAYER_PORT"], timeout=2)
    open("report.txt", "w").write("the host was reached")
except OSError:
    pass
"""


class Player(Platform):
    """A platform that is a small program."""

    name, title, program = "hermes", "Player", "player"

    def __init__(self, port: int) -> None:
        self.port = port

    def environ(self, endpoint: Endpoint) -> Mapping[str, str]:
        return {
            "PLAYER_URL": endpoint.base_url,
            "PLAYER_KEY": endpoint.key,
            "PLAYER_PORT": str(self.port),
        }

    def arguments(self, session: str, first: bool, text: str) -> tuple[list[str], str]:
        return [], text

    def read(self, out: str, err: str) -> Turn:
        return Turn(text=out)


@needs_sandbox
def test_a_cli_finds_the_skills_and_reaches_the_model_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case(tmp_path / "cases", "May", toml=f'instruction = "{ASKED.format("May")}"\ntimeout = 30\n')
    case = read_case(tmp_path / "cases" / "May")
    (tmp_path / "player.py").write_text(PLAYER, "utf-8")
    player = Program(
        command=("python3", "/opt/player.py"),
        mounts=(Mount(outside=tmp_path / "player.py", inside="/opt/player.py"),),
    )

    def answer(request: dict[str, object]) -> object:
        told = str(request["messages"])
        return text("sealed May" if told.count("Reports are sealed.") == 2 else "plain May")

    with ChatModel(answer) as model:
        port = int(model.url.split(":")[2].split("/")[0])
        monkeypatch.setattr("skillclaw.evolve.replay.executable_agents.load_platform", lambda _: Player(port))
        way = Way(
            base_url=model.url,
            speech="chat",
            headers=(("Authorization", "Bearer a-real-credential"),),
            own=OWN_HEADER,
        )
        base = Skill(bundle("Reports are read."))
        scores, cost, missing = executable_scores(
            proposal("Reports are sealed.", base=base),
            [case],
            current_skills={SKILL: base},
            agent=CliRunner("hermes", player, way, "the-model"),
            repeats=1,
            seed=1,
            limits=Limits(),
            ledger=ledger(),
            home=tmp_path / "home",
        )
    assert missing == ""
    assert [(score.before, score.after) for score in scores] == [([0.0], [1.0])], scores
    assert (cost.calls, cost.tokens) == (2, 220)
    assert {request["model"] for request in model.seen} == {"the-model"}
    assert {header["authorization"] for header in model.headers} == {"Bearer a-real-credential"}
    assert {header[OWN_HEADER.lower()] for header in model.headers} == {"evolver"}
    assert not list((tmp_path / "home" / "replay").glob("run-*"))
