"""Any other agent that takes its base URL from the environment.

`skillclaw run generic -- PROGRAM ARGS` sets OPENAI_BASE_URL, OPENAI_API_BASE and ANTHROPIC_BASE_URL to the
proxy's prefix, and with a configured upstream the variables of keys to SkillClaw's token; the setting
`agents.generic.upstream` is what would have stood in the variable without SkillClaw, or the name of a
configured upstream. There is no settings file and no history of its own, and no provider is guessed: a key
must not reach the wrong one.
"""

from __future__ import annotations

from collections.abc import Sequence

from skillclaw.agents.platform import Platform
from skillclaw.agents.records import ConnectPlan, Detection, Env, Finding, Launch
from skillclaw.agents.urls import is_own, shown
from skillclaw.errors import UsageError

__all__ = ["ADAPTER", "Generic"]

VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL")
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


class Generic(Platform):
    """The adapter of agents that SkillClaw does not know by name."""

    name = "generic"
    title = "Other agents"

    def upstream(self, env: Env) -> str:
        """What the environment says now; empty when it says nothing or different things."""
        given = {env.environ.get(name, "").strip().rstrip("/") for name in VARIABLES} - {""}
        given = {url for url in given if not is_own(url, self.name)}
        return given.pop() if len(given) == 1 else ""

    def detect(self, env: Env, versions: bool) -> Detection:
        """Never installed: it is not a program."""
        return Detection(installed=False)

    def connect(self, env: Env, base_url: str, token: str = "") -> ConnectPlan:
        """Refused: there is no settings file to change."""
        key = " and the key that `skillclaw config token generic` prints" if token else ""
        raise UsageError(
            "Other agents have no settings file that SkillClaw knows.",
            "",
            f"Use: skillclaw run generic -- PROGRAM; or set OPENAI_BASE_URL={base_url}{key} for your agent.",
        )

    def doctor(self, env: Env, base_url: str | None) -> list[Finding]:
        """What the environment says."""
        found = []
        for name in VARIABLES:
            url = env.environ.get(name)
            if url:
                here = "the proxy" if is_own(url, self.name) else shown(url)
                found.append(Finding(level="ok", subject=name, text=f"points to {here}"))
        return found

    def launch(self, env: Env, base_url: str, args: Sequence[str], token: str = "") -> Launch:
        """The program named by `args`, with the base URL variables set."""
        if not args:
            raise UsageError("Say which program to start.", "", "skillclaw run generic -- PROGRAM [ARGS...]")
        return Launch(
            argv=list(args),
            env=dict.fromkeys(VARIABLES, base_url) | (dict.fromkeys(KEYS, token) if token else {}),
        )


ADAPTER = Generic()
