"""Real agents on days that are past: the proxy that they go through dates what it records by a clock that the
test sets. The agents themselves know nothing of it, so their histories are set back as well."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

from clients import Person
from scripted import Seen, Upstream
from team import home, machine, sc

from skillclaw.server.up.proxy_process import ProxyProcess

_DATED = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from skillclaw.proxy import record
from skillclaw.proxy.serve import main

clock = Path(sys.argv[2])

def now():
    return float(clock.read_text()) + time.time() - clock.stat().st_mtime

record.time = SimpleNamespace(time=now, perf_counter=time.perf_counter)
sys.exit(main(sys.argv[1:2]))
"""


@dataclass
class DatedAgent:
    """One member whose agent is the real one, by the name that SkillClaw has for it."""

    place: Path
    who: str
    agent: str
    upstream: Upstream
    person: Person = field(init=False)
    port: int = 0

    def __post_init__(self) -> None:
        made = Person.make(self.place / "people" / self.who)
        own = home(self.place, self.who)
        self.person = Person(home=own.parent, project=made.project, skillclaw=own)

    @contextmanager
    def connected(self) -> Iterator[None]:
        """With the proxy running, and the agent led through it."""
        base = self.upstream.url + ("/v1" if self.agent == "codex" else "")
        sc(self.place, self.who, "config", "set", f"agents.{self.agent}.upstream", base)
        self._set(0.0)
        argv = [sys.executable, "-c", _DATED]
        with (
            patch.dict(os.environ, {"HOME": str(self.person.home)}),
            patch(
                "skillclaw.server.up.proxy_process.command", lambda path: [*argv, str(path), str(self._clock)]
            ),
        ):
            proxy = ProxyProcess(machine(self.place, self.who), 0)
            proxy.start()
        self.port = proxy.port
        try:
            yield
        finally:
            proxy.stop()

    def works(self, prompt: str, at: datetime) -> list[Seen]:
        """One headless session that begins at that time; the requests that the provider got of it."""
        self._set(at.timestamp())
        before = len(self.upstream.seen)
        url = f"http://127.0.0.1:{self.port}/{self.agent}"
        if self.agent == "codex":
            self._provider(url)
            self.person.codex(prompt)
        else:
            self.person.claude(prompt, ANTHROPIC_BASE_URL=url)
        for folder in (".claude", ".codex"):
            for path in (self.person.home / folder).rglob("*.jsonl"):
                os.utime(path, (at.timestamp(), at.timestamp()))
        return [seen for seen in self.upstream.seen[before:] if seen.method == "POST"]

    @property
    def _clock(self) -> Path:
        return self.place / "people" / f"{self.who}.clock"

    def _set(self, moment: float) -> None:
        self._clock.write_text(str(moment), "utf-8")

    def _provider(self, url: str) -> None:
        folder = self.person.home / ".codex"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(
            f'model = "scripted"\nmodel_provider = "mine"\n\n[model_providers.mine]\nname = "mine"\n'
            f'base_url = "{url}"\nenv_key = "OPENAI_API_KEY"\nwire_api = "responses"\n',
            "utf-8",
        )
