"""Cases, skills and a model for replays: a house whose reports are sealed, which only a skill tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat_model import call, results, text

from skillclaw.evolve.models import Ledger
from skillclaw.evolve.replay.executable_agents import MinimalRunner
from skillclaw.headless import Endpoint
from skillclaw.settings import BudgetSettings
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Pattern, Proposal, Ref, Sidecar

SKILL = "house-reports"
ABOUT = "Write the monthly report of the house. Use when the user asks for a monthly report."
ASKED = "Write the monthly report of the house for {0} into report.txt."
GRADE = 'grep -qx "sealed {0}" report.txt && cmp -s gt/answer.txt report.txt'


@dataclass(frozen=True)
class Skill:
    """A skill that the hub makes available (`gate.context.CurrentSkill`)."""

    bundle: Bundle

    @property
    def version(self) -> str:
        return version(self.bundle)

    @property
    def sidecar(self) -> Sidecar:
        return Sidecar(skill=self.bundle.name, version=self.version)


def bundle(body: str, name: str = SKILL, about: str = ABOUT) -> Bundle:
    whole = f"---\nname: {name}\ndescription: {about}\n---\n\n{body}\n"
    return Bundle(name=name, files=[File(path="SKILL.md", data=whole.encode())])


def proposal(
    body: str, *, base: Skill | None = None, sessions: tuple[str, ...] = (), **more: Any
) -> Proposal:
    refs = [Ref(session=key, user="ada", agent="codex", day="2026-01-01") for key in sessions]
    pattern = Pattern(id="p", kind="procedure", title="t", topic="t", signature="s", evidence=refs)
    return Proposal(
        id="1" * 16,
        action="refine" if base else "create",
        skill=SKILL,
        base=base.version if base else None,
        engine="extractive",
        why="w",
        bundle=bundle(body),
        patterns=[pattern],
        **more,
    )


def write_case(cases: Path, month: str, **more: str) -> Path:
    """One case in the user's folder; `more` are files by name (`grade` for `grade.sh`)."""
    folder = cases / month
    (folder / "workspace").mkdir(parents=True)
    (folder / "truth").mkdir()
    (folder / "workspace" / "notes.txt").write_text(f"{month}\n", "utf-8")
    (folder / "truth" / "answer.txt").write_text(f"sealed {month}\n", "utf-8")
    toml = more.pop("toml", f'instruction = "{ASKED.format(month)}"\ntimeout = 20\n')
    (folder / "case.toml").write_text(toml, "utf-8")
    (folder / "grade.sh").write_text(more.pop("grade", GRADE.format(month)), "utf-8")
    (folder / "solve.sh").write_text(more.pop("solve", f'echo "sealed {month}" > report.txt'), "utf-8")
    return folder


def obedient(request: dict[str, Any]) -> Any:
    """A model that does what the skill before it says, and writes plain reports without one."""
    said = "\n".join(str(message["content"]) for message in request["messages"])
    month = said.split("of the house for ")[1].split(" ")[0]
    if results(request):
        return text("Done.")
    word = next((word for word in ("sealed", "burnt", "plain") if f"Reports are {word}." in said), "plain")
    return call("bash", command=f'echo "{word} {month}" > report.txt')


def minimal(url: str) -> MinimalRunner:
    return MinimalRunner(Endpoint(base_url=url, model="m", key="secret-key"))


def ledger(**caps: Any) -> Ledger:
    none: dict[str, Any] = dict.fromkeys(("tokens", "calls", "usd", "day_tokens", "day_calls", "day_usd"), 0)
    return Ledger(BudgetSettings(**{**none, **caps}), usd_in=1.0, usd_out=10.0)


Answer = Callable[[dict[str, Any]], Any]
