"""Who asks for the reasons of a way does not ask for another one, whatever the agent makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from atif_sessions import write
from cli import ok, ok_json
from corrected import corrected

pytestmark = pytest.mark.live


def rules(home: Path, words: str) -> list[str]:
    """The lines that four sessions teach in which `words` came between the two calls."""
    made = [corrected(n, "npm install", words, "pnpm install", day=f"2026-09-{10 + n}") for n in range(4)]
    ok("import", str(write(home / "s.jsonl", made)), home=home)
    ok("evolve", home=home)
    shown = [ok("skills", "show", one["name"], home=home) for one in ok_json("skills", "list", home=home)]
    return [line for text in shown for line in text.splitlines() if line.startswith("- ")]


@pytest.mark.parametrize(
    "words",
    [
        "Why do you not use pnpm instead of npm? Is npm better?",
        "Why not pnpm?",
        "Why do you use npm and not pnpm?",
        "Warum nicht pnpm?",
        "你为什么不用 pnpm 而用 npm？npm 更好吗？",
    ],
)
def test_a_question_for_reasons_teaches_nothing(words: str, tmp_path: Path) -> None:
    assert rules(tmp_path, words) == []


@pytest.mark.parametrize(
    "words",
    [
        "could you use pnpm instead of npm?",
        "why don't you use pnpm? use pnpm, please",
        "can we use pnpm, not npm",
        "Why don't you just use pnpm?",
        "Warum nutzt du npm? Nutze bitte pnpm.",
        "你为什么不用 pnpm？请用 pnpm，不是 npm。",
    ],
)
def test_a_request_or_a_reproach_that_is_put_as_a_question_does(words: str, tmp_path: Path) -> None:
    assert any("pnpm install" in rule for rule in rules(tmp_path, words))
