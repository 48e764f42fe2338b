"""What the real Claude Code runs as it loads a skill, before a model answers: all of it waits for people."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from clients import CLAUDE_KEY, Person, binary
from scripted import Script, Upstream

from skillclaw.gate.stretches import loading
from skillclaw.skills.records import Bundle, File

pytestmark = pytest.mark.e2e

RUNS = {
    "plain": "State !`{}`",
    "block": "```!\n{}\n```",
    "inline-block": "See ```!{}``` there",
    "other-language": "```!bash\n{}\n```",
    "in-a-comment": "<!-- !`{}` -->",
    "in-code": "```\n!`{}`\n```",
    "after-arguments": "$ARGUMENTS!`{}`",
    "within": "State !$ARGUMENTS`{}`",
    "by-number": "State !$0`{}`",
    "far": "State !$ARGUMENTS[99]`{}`",
    "in-another": "State !$ARGUM$ARGUMENTS[0]ENTS`{}`",
    "in-ticks": "`$0``!\n{}\n```",
    "before-the-mark": "```$ARGUMENTS!\n{}\n```",
}
RUNS_NOT = {
    "apart": "State ! `{}`",
    "joined": "(!`{}`)",
    "two-ticks": "State !``{}``",
    "shell": "```sh\n! {}\n```",
    "a-variable": "State !$enabled`{}`",
}


def text_of(name: str, line: str, command: str) -> bytes:
    return f"---\nname: {name}\ndescription: A demo.\n---\n# Demo\n\n{line.format(command)}\n".encode()


@pytest.mark.timeout(300)
def test_whatever_claude_code_runs_on_loading_is_held(tmp_path: Path) -> None:
    person = Person.make(tmp_path / "ada")
    ran, held = set(), set()
    with Upstream({"Demo": Script(())}) as upstream:
        for name, line in {**RUNS, **RUNS_NOT}.items():
            trace = tmp_path / f"ran-{name}"
            data = text_of(name, line, f"touch {trace}")
            folder = person.home / ".claude" / "skills" / name
            folder.mkdir(parents=True)
            (folder / "SKILL.md").write_bytes(data)
            done = subprocess.run(
                [binary("claude"), "-p", f"/{name}", "--dangerously-skip-permissions"],
                cwd=person.project,
                env=person.environ(ANTHROPIC_BASE_URL=upstream.url, ANTHROPIC_API_KEY=CLAUDE_KEY),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            if trace.exists():
                ran.add(name)
            if loading(Bundle(name=name, files=[File(path="SKILL.md", data=data)])):
                held.add(name)
    assert ran == set(RUNS), "else this version of Claude Code runs other things"
    assert held == ran
