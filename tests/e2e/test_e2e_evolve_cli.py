"""Claude Code and Codex as authors of skills: the real programs in the room, against a scripted model."""

from __future__ import annotations

import base64
import json
import shutil
import time
from pathlib import Path

import pytest
from authors import DRAFT, kept, learned
from cli import skillclaw
from clients import binary
from scripted import Script, Shell, Upstream

from skillclaw.evolve.transcripts import transcripts
from skillclaw.sandbox import why_no_room

no_room = why_no_room()
pytestmark = pytest.mark.skipif(bool(no_room), reason=f"no sandbox here: {no_room}")
SECRET = "E2eAuthor" + "Credential" * 3
LOOK = (
    "echo x > sessions/x; env; cat /proc/[0-9]*/environ | tr '\\0' '\\n'; cat $HOME/.codex/config.toml; "
    "curl -sS -m 3 http://127.0.0.1:PORT/ 2>&1; curl -sS -m 3 https://example.org 2>&1; true"
)
WRITE = f"python3 - <<'END'\n{DRAFT}\nwrite(draft())\nEND"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the evidence, to be copied."""
    home = tmp_path_factory.mktemp("imported")
    learned(home)
    return home


def login(home: Path, name: str) -> None:
    """The agent's own login, as it keeps it."""
    if name == "claude-code":
        path = home / ".claude" / ".credentials.json"
        kept = {"claudeAiOauth": {"accessToken": SECRET, "expiresAt": (time.time() + 9000) * 1000}}
    else:
        claims = (
            base64.urlsafe_b64encode(json.dumps({"exp": time.time() + 9000}).encode()).decode().rstrip("=")
        )
        path = home / ".codex" / "auth.json"
        kept = {
            "auth_mode": "chatgpt",
            "tokens": {"access_token": f"e30.{claims}.{SECRET}", "account_id": "account-7"},
        }
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(kept), "utf-8")


@pytest.mark.e2e
@pytest.mark.parametrize(("name", "program"), [("claude-code", "claude"), ("codex", "codex")])
def test_a_real_agent_writes_a_skill_in_the_room_on_the_users_login(
    tmp_path: Path, imported: Path, name: str, program: str
) -> None:
    path = f"{Path(binary(program)).parent}:/usr/local/bin:/usr/bin:/bin"
    with Upstream({}) as upstream:
        look = Shell(LOOK.replace("PORT", str(upstream.port)))
        upstream.scripts["decide about one skill"] = Script(
            steps=(Shell("cat GUIDE.md target.md; ls patterns sessions"), look, Shell(WRITE)),
            final="Written.",
        )
        login(tmp_path, name)
        base = upstream.url if name == "claude-code" else f"{upstream.url}/v1"
        shutil.copytree(imported, tmp_path, dirs_exist_ok=True)
        given = {"AGENT": name, "MODEL": "model-1", "UPSTREAM": base}
        environ = {f"SKILLCLAW_EVOLVE__CLI__{key}": value for key, value in given.items()}
        environ["PATH"] = path
        done = skillclaw("evolve", "--engine", "cli", "--json", home=tmp_path, environ=environ)
        assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (proposal,) = told["proposals"]
    assert (proposal["skill"], proposal["verdict"], told["notes"]) == ("run-tests-till", "passed", [])
    assert told["spent"]["calls"] >= 3
    skill = (tmp_path / ".claude" / "skills" / "run-tests-till" / "SKILL.md").read_text("utf-8")
    assert "run `make db-up`, then try it again" in skill

    asked = [one for one in upstream.seen if one.method == "POST" and not one.path.endswith("count_tokens")]
    assert all(SECRET in one.header("authorization") for one in asked), "our own process adds the login"
    if name == "claude-code":
        assert all("oauth-2025-04-20" in one.header("anthropic-beta") for one in asked)
    else:
        assert {one.header("chatgpt-account-id") for one in asked} == {"account-7"}
    assert {one.json["model"] for one in asked} == {"model-1"}
    said = b"".join(one.body for one in upstream.seen).decode()
    assert "Decide what should be done with one skill" in said, "it read the guide"
    assert "Read-only" in said, "the workspace is not its to change"
    assert said.count("Failed to connect") + said.count("Could not resolve") >= 2, "there is no way out"
    assert SECRET not in said, "neither environment nor files of the room have the login"
    assert SECRET not in kept(tmp_path) + done.stdout + done.stderr

    with transcripts(tmp_path / ".skillclaw") as store:
        assert store is not None
        (row,) = store.rows()
    assert row.steps >= 4, "what it did is kept"
