"""A user in a hurry: wrong words in the wrong place, a broken settings file, a reader that goes away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli import fails, ok, ok_json, skillclaw

from skillclaw.extras import install
from skillclaw.server.setup.first_look import FirstLook

ROOT = Path(__file__).parents[2]
CODEX = """model_provider = "mine"

[model_providers.mine]
name = "mine"
base_url = "https://gate.example/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
"""


def test_a_name_that_is_nearly_right_is_offered_once(tmp_path: Path) -> None:
    told = fails("connect", "claude", home=tmp_path, code=2)
    assert "no agent named 'claude'" in told and "Did you mean claude-code?" in told
    assert "Did you mean codex?" in fails("import", "--agent", "codx", home=tmp_path, code=2)
    assert fails("statsu", home=tmp_path, code=2).count("Did you mean 'status'?") == 1
    assert "'yesterday' is not a number" in fails("import", "--since", "yesterday", home=tmp_path, code=2)


def test_an_agent_in_place_of_a_path_is_told_the_option(tmp_path: Path) -> None:
    done = skillclaw("import", "claude-code", home=tmp_path)
    assert done.returncode == 1
    assert "skillclaw import --agent claude-code" in done.stdout + done.stderr


def test_an_id_that_nothing_begins_with_is_not_asked_to_be_longer(tmp_path: Path) -> None:
    ok("import", str(ROOT / "docs" / "tutorial" / "ada.jsonl"), home=tmp_path)
    told = fails("sessions", "show", "zzzz", home=tmp_path)
    assert "No session begins with 'zzzz'." in told and "Give more" not in told
    assert "See: skillclaw sessions list" in told


def test_a_setting_that_is_not_set_is_no_unknown_one(tmp_path: Path) -> None:
    told = fails("config", "get", "agents.claude-code.upstream", home=tmp_path, code=2)
    assert "agents.claude-code.upstream is not set." in told
    assert "There is no setting" in fails(
        "config", "get", "agents.claude-code.nothing", home=tmp_path, code=2
    )


def test_a_wrong_value_in_the_file_is_mended_by_the_command_that_is_told(tmp_path: Path) -> None:
    (tmp_path / ".skillclaw").mkdir()
    (tmp_path / ".skillclaw" / "config.toml").write_text('[proxy]\nport = "many"\n')
    command = fails("status", home=tmp_path).strip().splitlines()[-1].partition(" or: skillclaw ")[2]
    assert command.startswith("config set proxy.port ")
    ok(*command.split(), home=tmp_path)
    assert "does not run" in ok("status", home=tmp_path)
    told = fails("status", home=tmp_path, environ={"SKILLCLAW_PROXY__PORT": "many"})
    assert "Mend it there." in told and "config set" not in told, "a variable wins over the file"


def test_agents_are_let_go_whatever_is_in_the_settings_file(tmp_path: Path) -> None:
    settings = tmp_path / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text("{}\n")
    ok("connect", "claude-code", home=tmp_path)
    assert "127.0.0.1" in settings.read_text()
    (tmp_path / ".skillclaw" / "run").mkdir(exist_ok=True)
    (tmp_path / ".skillclaw" / "run" / "proxy.json").write_text("{}")  # as a proxy that runs has it
    (tmp_path / ".skillclaw" / "config.toml").write_text("[proxy\n")
    assert "claude-code: disconnected." in ok("disconnect", "--all", home=tmp_path)
    assert settings.read_text() == "{}\n"


@pytest.mark.slow
def test_a_gateway_of_the_users_is_not_taken_for_openais_api(tmp_path: Path) -> None:
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text(CODEX)
    ok("connect", "codex", home=tmp_path)
    rows = json.loads(skillclaw("doctor", "codex", "--json", home=tmp_path).stdout)
    assert "Codex login" not in {row["subject"] for row in rows}, rows
    ok("disconnect", "codex", home=tmp_path)
    (tmp_path / ".codex" / "config.toml").write_text('model = "gpt-5"\n')
    rows = json.loads(skillclaw("doctor", "codex", "--json", home=tmp_path).stdout)
    assert "Codex login" in {row["subject"] for row in rows}, rows


def test_figures_of_what_was_learned_fit_together() -> None:
    told = FirstLook(cycle="c", sessions=6, agents={"Claude Code": 5, "Codex": 3}).text()
    assert told.startswith("What 6 sessions already say (stored: 8, 5 of Claude Code, 3 of Codex; no key")


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    ok("import", str(ROOT / "docs" / "tutorial" / "ada.jsonl"), home=tmp_path)
    newest = ok_json("sessions", "list", home=tmp_path)[0]["id"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "skillclaw", "sessions", "show", newest],
        env={**os.environ, "HOME": str(tmp_path), "SKILLCLAW_HOME": str(tmp_path / ".skillclaw")},
        stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "kind", ["checkout", "wheel", "uv-wheel", "pipx-wheel", "git", "url", "uv", "venv", "system"]
)
def test_what_is_missing_is_told_for_where_it_runs(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wheel = '{"url": "file:///home/ada/my%20dist/skillclaw-0.1.0-py3-none-any.whl", "archive_info": {}}'
    told = {
        "checkout": '{"url": "file:///home/ada/my%20claw", "dir_info": {"editable": true}}',
        "wheel": wheel,
        "uv-wheel": wheel,
        "pipx-wheel": wheel,
        "git": '{"url": "https://git.example/claw.git", "vcs_info": {"vcs": "git", "commit_id": "abc1"}}',
        "url": '{"url": "https://files.example/claw.whl", "archive_info": {}}',
    }.get(kind)
    known = SimpleNamespace(read_text=lambda name: told)
    monkeypatch.setattr("importlib.metadata.distribution", lambda name: known)
    monkeypatch.setattr(sys, "executable", "/opt/x/bin/python")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path) if kind == "system" else "/usr")
    if kind.startswith("uv"):
        (tmp_path / "uv-receipt.toml").touch()
    if kind.startswith("pipx"):
        (tmp_path / "pipx_metadata.json").touch()
    file = "'/home/ada/my dist/skillclaw-0.1.0-py3-none-any.whl[llm,mcp]'"
    assert (
        install("llm", "mcp")
        == {
            "checkout": "/opt/x/bin/python -m pip install -e '/home/ada/my claw[llm,mcp]'",
            "wheel": f"/opt/x/bin/python -m pip install {file}",
            "uv-wheel": f"uv pip install --python /opt/x/bin/python {file}",
            "pipx-wheel": f"pipx runpip {tmp_path.name} install {file}",
            "git": "/opt/x/bin/python -m pip install "
            "'skillclaw[llm,mcp] @ git+https://git.example/claw.git@abc1'",
            "url": "/opt/x/bin/python -m pip install 'skillclaw[llm,mcp] @ https://files.example/claw.whl'",
            "uv": "uv pip install --python /opt/x/bin/python 'skillclaw[llm,mcp]'",
            "venv": "/opt/x/bin/python -m pip install 'skillclaw[llm,mcp]'",
            "system": "pip install 'skillclaw[llm,mcp]'",
        }[kind]
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="makes a read-only mount of its own")
def test_doctor_tells_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    program = (
        f"mount -t tmpfs -o ro none {tmp_path} && exec {sys.executable} -m skillclaw doctor codex --json"
    )
    environ = {**os.environ, "HOME": str(tmp_path), "SKILLCLAW_HOME": str(tmp_path / ".skillclaw")}
    argv = ["unshare", "-m", "sh", "-c", program]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False)
    if "unshare failed" in done.stderr or "mount:" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 1
    found = {row["subject"]: row for row in json.loads(done.stdout)}
    assert found["Folder"]["level"] == "fail" and "cannot be written" in found["Folder"]["text"]
