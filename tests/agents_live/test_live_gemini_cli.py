"""Gemini CLI, as its users have it: with an API key, and with a Google login's token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clients import Person
from live import Client, Live, prove, start
from scripted import Seen

CLIENT = Client(name="gemini-cli", version="0.61.0", package="@google/gemini-cli")
TRUSTED = {"GEMINI_CLI_TRUST_WORKSPACE": "true"}


def with_key(person: Person, url: str) -> list[Path]:
    """A key and a base URL of the user's own in the home folder; settings with comments."""
    folder = person.home / ".gemini"
    folder.mkdir()
    settings, variables = folder / "settings.json", folder / ".env"
    settings.write_text(
        '{\n  // how I sign in\n  "security": {"auth": {"selectedType": "gemini-api-key"}},\n'
        '  "modelConfigs": {\n    "customOverrides": [] // none yet\n  }\n}\n',
        "utf-8",
    )
    variables.write_text(
        f"# mine\nGEMINI_API_KEY=own-key-0123456789\nGOOGLE_GEMINI_BASE_URL={url}\n", "utf-8"
    )
    return [settings, variables]


def with_login(person: Person, url: str) -> list[Path]:
    """The address is in the user's `.env`, which the agent reads where the project has none."""
    folder = person.home / ".gemini"
    folder.mkdir()
    settings, variables = folder / "settings.json", person.home / ".env"
    settings.write_text(json.dumps({"security": {"auth": {"selectedType": "oauth-personal"}}}), "utf-8")
    variables.write_text(f"CODE_ASSIST_ENDPOINT='{url}' # ours\nEDITOR=vi\n", "utf-8")
    return [settings, variables, folder / ".env"]


def native(seen: list[Seen]) -> str:
    (found,) = {
        one.json["request"]["session_id"] for one in seen if "session_id" in one.json.get("request", {})
    }
    return str(found)


def live(**more: Any) -> Live:
    def run(person: Person, prompt: str, again: bool) -> None:
        resumed = ["-r", "latest"] if again else []
        start(person, made, ["gemini", "-y", "-m", "gemini-2.5-pro", *resumed, "-p", prompt])

    made = Live(agent="gemini-cli", client=CLIENT, run=run, skill="invoked_step", **more)
    return made


def test_gemini_cli_with_a_key(tmp_path: Path) -> None:
    prove(live(settings=with_key, environ=TRUSTED), tmp_path)


def test_gemini_cli_with_a_google_login(tmp_path: Path) -> None:
    login = {"GOOGLE_GENAI_USE_GCA": "true", "GOOGLE_CLOUD_ACCESS_TOKEN": "own-token-0123456789"}
    prove(live(settings=with_login, native=native, environ={**TRUSTED, **login}), tmp_path)
