"""NanoClaw, as its documentation and sources have it: what can be connected, and its containers' sessions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from agents_material import SESSION, Claude, make_env, text, use
from rounds import SECRET

from skillclaw.agents import Env, adapters, wiring
from skillclaw.errors import BadInputError
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import meta

NANOCLAW = adapters()["nanoclaw"]
URL = "http://127.0.0.1:8787/nanoclaw"
INSIDE = "http://host.docker.internal:8787/nanoclaw"
KEYED = f"# mine\nANTHROPIC_BASE_URL=http://host.docker.internal:4000/llm\nTELEGRAM_TOKEN={SECRET}\n"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def checkout(env: Env, dotenv: str = KEYED, root: str = "nanoclaw") -> Path:
    folder = env.home / root
    (folder / "src").mkdir(parents=True)
    (folder / "package.json").write_text('{"name": "nanoclaw", "version": "2.0.64"}', "utf-8")
    (folder / ".env").write_text(dotenv, "utf-8")
    return folder


@pytest.fixture
def reached(env: Env) -> None:
    """Docker Desktop, whatever the machine of the tests is."""
    (env.home / ".docker").mkdir()
    (env.home / ".docker/config.json").write_text(json.dumps({"currentContext": "desktop-linux"}), "utf-8")


@pytest.mark.usefixtures("reached")
def test_a_gateway_of_the_user_s_own_is_led_there_and_back(env: Env, home: Path) -> None:
    path = checkout(env) / ".env"
    before = path.read_bytes()
    wired = wiring.connect(home, env, NANOCLAW, URL)
    assert wired.upstream == "http://127.0.0.1:4000/llm"
    assert SECRET not in wired.diff
    assert path.read_text("utf-8") == KEYED.replace("http://host.docker.internal:4000/llm", INSIDE)
    assert not wiring.connect(home, env, NANOCLAW, URL).changed
    assert not [found for found in NANOCLAW.doctor(env, URL) if found.level != "ok"]
    assert wiring.connect(home, env, NANOCLAW, URL.replace("8787", "8788")).upstream == wired.upstream
    wiring.disconnect(home, env, NANOCLAW)
    assert path.read_bytes() == before


@pytest.mark.usefixtures("reached")
def test_keys_of_the_file_s_own_need_no_gateway(env: Env, home: Path) -> None:
    path = checkout(env, "NANOCLAW_NATIVE_CREDENTIALS=true\nANTHROPIC_API_KEY=k\n") / ".env"
    before = path.read_bytes()
    assert wiring.connect(home, env, NANOCLAW, URL).upstream == "https://api.anthropic.com"
    assert f"ANTHROPIC_BASE_URL={INSIDE}\n" in path.read_text("utf-8")
    wiring.disconnect(home, env, NANOCLAW)
    assert path.read_bytes() == before


@pytest.mark.usefixtures("reached")
@pytest.mark.parametrize("dotenv", ["TZ=UTC\n", "ANTHROPIC_BASE_URL=https://gw.example\n"])
def test_without_a_key_for_our_address_it_is_refused(env: Env, dotenv: str) -> None:
    path = checkout(env, dotenv) / ".env"
    with pytest.raises(BadInputError, match="no key for SkillClaw's address"):
        NANOCLAW.connect(env, URL)
    assert path.read_text("utf-8") == dotenv
    assert "fail" not in [found.level for found in NANOCLAW.doctor(env, None)]


@pytest.mark.usefixtures("reached")
def test_an_older_version_is_refused(env: Env) -> None:
    (checkout(env) / "src/credential-proxy.ts").write_text("", "utf-8")
    with pytest.raises(BadInputError, match="drops the path"):
        NANOCLAW.connect(env, URL)


def test_on_linux_a_container_cannot_reach_us(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    path = checkout(env) / ".env"
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(BadInputError, match=r"127\.0\.0\.1 alone[\s\S]*--history-only nanoclaw"):
        NANOCLAW.connect(env, URL)
    assert path.read_text("utf-8") == KEYED
    monkeypatch.setattr(sys, "platform", "darwin")
    assert NANOCLAW.connect(env, URL).upstream == "http://127.0.0.1:4000/llm"


@pytest.mark.parametrize(
    ("unit", "line"),
    [
        (".config/systemd/user/nanoclaw-ab12.service", "[Service]\nWorkingDirectory={}\nExecStart=x\n"),
        (
            "Library/LaunchAgents/com.nanoclaw-v2-ab12.plist",
            "<dict>\n<key>WorkingDirectory</key>\n<string>{}</string>\n</dict>",
        ),
    ],
)
def test_its_checkout_is_found_by_its_service(env: Env, unit: str, line: str) -> None:
    root = checkout(env, root="somewhere/deep")
    path = env.home / unit
    path.parent.mkdir(parents=True)
    path.write_text(line.format(root), "utf-8")
    assert NANOCLAW.detect(env, versions=True).version == "2.0.64"
    assert NANOCLAW.skills(env) == [root / "container/skills"]


def test_its_checkout_is_found_from_within_or_not_at_all(env: Env) -> None:
    assert NANOCLAW.detect(env, versions=True).installed is False
    assert NANOCLAW.skills(env) == []
    with pytest.raises(BadInputError, match="was not found"):
        NANOCLAW.connect(env, URL)
    assert [found.level for found in NANOCLAW.doctor(env, None)] == ["warn"]
    root = checkout(env, root="elsewhere")
    within = Env(home=env.home, environ=env.environ, cwd=root / "src")
    assert NANOCLAW.skills(within) == [root / "container/skills"]


def test_it_is_not_started_by_hand(env: Env) -> None:
    checkout(env)
    with pytest.raises(BadInputError, match="is a service"):
        NANOCLAW.launch(env, URL, [])


@pytest.mark.parametrize(
    "place", ["data/v2-sessions/ag-1/.claude-shared/projects/-w", "data/sessions/main/.claude/projects/-w"]
)
def test_the_sessions_that_its_containers_left_are_its_own(env: Env, place: str) -> None:
    root = checkout(env)
    log = Claude(cwd="/workspace/group")
    log.user([text("go")])
    log.said("m1", use("t1", "Bash", command="ls"))
    log.result("t1", [text("a")])
    log.said("m2", text("done"))
    written = log.save(env)
    target = root / place / written.name
    target.parent.mkdir(parents=True)
    written.rename(target)
    (file,) = NANOCLAW.histories(env)
    found = NANOCLAW.read_history(file, env).trajectory
    assert found is not None
    assert (found.agent.name, found.session_id) == ("nanoclaw", SESSION)
    assert meta(found).key == session_key("nanoclaw", SESSION)
    assert NANOCLAW.detect(env, versions=False).sessions == 1
