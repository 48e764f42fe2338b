"""NemoClaw: https://docs.nvidia.com/nemoclaw, OpenClaw in an OpenShell sandbox. From its documentation only.

The sandbox's `openclaw.json` is written by NemoClaw and cannot be edited. Where requests go is kept by the
OpenShell gateway (OPENAI_BASE_URL of its provider) and changed by `nemoclaw` alone, for another endpoint by
`nemoclaw onboard`. Of this machine's own endpoints a sandbox reaches those on the machine's bridge, where
SkillClaw does not listen, and one on loopback: that on NEMOCLAW_VLLM_PORT, if it needs no key, with a way of
NemoClaw's before it that asks for a token. So a sandbox with a model on this machine can be led through
SkillClaw, by commands that are told here, and one with a hosted model cannot.

Sessions are named as OpenClaw's are. Skills and histories are inside the sandbox: the proxy puts whole skills
into requests, and a history that was taken out of it (`openclaw-agent.sqlite`) is imported as OpenClaw's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from skillclaw.agents import edits
from skillclaw.agents.platform import Platform
from skillclaw.agents.programs import version_of
from skillclaw.agents.records import ConnectPlan, Detection, Env, Finding, Launch
from skillclaw.errors import SkillClawError, UsageError

__all__ = ["ADAPTER", "NemoClaw"]

HOSTED = "https://integrate.api.nvidia.com"
"""NVIDIA's endpoints, which it offers first."""


class NemoClaw(Platform):
    """The adapter of NemoClaw: what it can be told, and what it cannot."""

    name = "nemoclaw"
    title = "NemoClaw"
    programs = ("nemoclaw",)
    default_url = HOSTED
    inject = "bodies"
    why_not = "Its sandbox cannot be edited, and where its requests go is changed by NemoClaw itself."

    def connect(self, env: Env, base_url: str, token: str = "") -> ConnectPlan:
        """Refused, with the commands that do it."""
        raise self._refusal(env, base_url)

    def launch(self, env: Env, base_url: str, args: Sequence[str], token: str = "") -> Launch:
        """Refused likewise: its environment does not reach into the sandbox."""
        raise self._refusal(env, base_url)

    def detect(self, env: Env, versions: bool) -> Detection:
        """By its program, or by the sandboxes that it knows."""
        program = self.program(env)
        registry = _registry(env)
        return Detection(
            installed=program is not None or bool(_sandboxes(env)),
            version=version_of(env, program) if versions and program else None,
            config=registry if registry.is_file() else None,
        )

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """Which sandboxes there are, and where each leads."""
        found = []
        for name, held in _sandboxes(env).items():
            provider, model = held.get("provider") or "unknown", held.get("model") or "unknown"
            text = f"{name} uses the provider {provider}, model {model}, which NemoClaw leads"
            found.append(self.finding("ok", "sandbox", text))
        return found

    def _refusal(self, env: Env, base_url: str) -> UsageError:
        port = urlsplit(base_url).port
        model = next((str(held["model"]) for held in _sandboxes(env).values() if held.get("model")), "MODEL")
        command = (
            f"NEMOCLAW_VLLM_PORT={port} NEMOCLAW_PROVIDER=custom NEMOCLAW_ENDPOINT_URL={base_url}/v1 "
            f"NEMOCLAW_COMPATIBLE_AUTH_MODE=none NEMOCLAW_MODEL={model} nemoclaw onboard --non-interactive"
        )
        return UsageError(
            f"{self.title} cannot be connected from outside. {self.why_not}",
            "A sandbox with a hosted model cannot reach the proxy; one with a model on this machine can.",
            f"For the latter: skillclaw config set agents.{self.name}.upstream URL-OF-MODEL; then {command}",
        )


def _registry(env: Env) -> Path:
    return env.home / ".nemoclaw" / "sandboxes.json"


def _sandboxes(env: Env) -> dict[str, dict[str, Any]]:
    """The sandboxes with OpenClaw in them, by name; none when the list cannot be read."""
    path = _registry(env)
    try:
        held = edits.get_key(path, env.read_bytes(path), "json", ("sandboxes",))[1]
    except SkillClawError:
        return {}
    entries = held.items() if isinstance(held, dict) else ()
    return {
        str(name): one
        for name, one in entries
        if isinstance(one, dict) and one.get("agent") in (None, "", "openclaw")
    }


ADAPTER = NemoClaw()
