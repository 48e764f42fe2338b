"""GitHub Copilot CLI: https://docs.github.com/copilot/concepts/agents/about-copilot-cli

With a provider of the user's own (`copilot help providers`) it takes the base URL from
COPILOT_PROVIDER_BASE_URL and from nowhere else; no login is needed then, and `COPILOT_PROVIDER_TYPE` and
`_WIRE_API` choose Chat Completions, Responses or Anthropic Messages. Run with 1.0.102. Without a provider of
his own the user talks to GitHub's models, whose address the login brings: these sessions are learned from by
their history. A bearer token wins over an API key. The wire names no session (with Responses by a key of its
own). Skills: `~/.copilot/skills` and `~/.agents/skills`. Histories: `history/copilot.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents.history import copilot
from skillclaw.agents.platform import Platform
from skillclaw.agents.programs import file_stat, oldest_first
from skillclaw.agents.records import Env, Finding, HistoryFile, HistoryRead, Launch
from skillclaw.errors import BadInputError

__all__ = ["ADAPTER", "Copilot"]

URL = "COPILOT_PROVIDER_BASE_URL"
MODELS = ("COPILOT_MODEL", "COPILOT_PROVIDER_MODEL_ID")


class Copilot(Platform):
    """The adapter of Copilot CLI."""

    name = "copilot"
    title = "Copilot CLI"
    programs = ("copilot",)
    variables = (URL,)
    key_variables = ("COPILOT_PROVIDER_API_KEY", "COPILOT_PROVIDER_BEARER_TOKEN")
    environment_wins = True
    why_not = f"It takes the address of its provider from {URL} only."

    def folder(self, env: Env) -> Path:
        """`~/.copilot` or what COPILOT_HOME says."""
        return env.folder("COPILOT_HOME", ".copilot")

    def upstream(self, env: Env) -> str:
        """The base URL of the user's own provider; BadInputError where he talks to GitHub's models."""
        found = self.own_url(env)
        if not found:
            raise BadInputError(
                "Copilot CLI has no provider of your own here.",
                f"{URL} is not set, so it talks to GitHub's models, past any proxy.",
                f"Set it, or: skillclaw config set agents.{self.name}.upstream https://...; with GitHub's"
                f" models: skillclaw connect --history-only {self.name}",
            )
        return found

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """Which provider it uses."""
        found = self.own_url(env)
        if not found:
            return [self.finding("ok", "provider", "GitHub's models; learned from by their history")]
        if not any(env.environ.get(name) for name in MODELS):
            text = f"{URL} is set and no model is; Copilot CLI asks for one with a provider of your own"
            return [self.finding("warn", "provider", text, "Set COPILOT_MODEL.")]
        return [self.finding("ok", "provider", f"{found}, by the environment")]

    def launch(self, env: Env, base_url: str, args: Sequence[str], token: str = "") -> Launch:
        """By the environment; a command for keys would win over SkillClaw's token, so it goes."""
        launch = super().launch(env, base_url, args, token)
        unset = {"COPILOT_PROVIDER_API_KEY_COMMAND": ""} if token else {}
        return Launch(argv=launch.argv, env={**launch.env, **unset})

    def skills(self, env: Env) -> list[Path]:
        """The shared folder and its own."""
        return [env.home / ".agents" / "skills", self.folder(env) / "skills"]

    def histories(self, env: Env) -> list[HistoryFile]:
        """`session-state/<id>/events.jsonl`, and `<id>.jsonl` of older versions, without SkillClaw's own."""
        state = self.folder(env) / "session-state"
        try:
            paths = sorted([*state.glob("*/events.jsonl"), *state.glob("*.jsonl")])
        except OSError:
            return []
        found = []
        for path in paths:
            stat, cwd = file_stat(path), copilot.working_folder(path)
            if stat is not None and not env.is_own(cwd):
                found.append(HistoryFile(path=path, size=stat[0], mtime=stat[1]))
        return oldest_first(found)

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/copilot.py`."""
        return copilot.read(file.path, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """Its events."""
        return any(map(copilot.looks_like, values))


ADAPTER = Copilot()
