"""The pages of docs/examples: what the lines of a skill rest on, and what the gate refused first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["evidence", "index", "refusals"]

INDEX = """\
# Skills of the four engines

Three skills for each engine, from the same packaged evidence (`tests/data/evidence`) under the policy
`team`. Beside each `SKILL.md` stands `EVIDENCE.md`: how many sessions of how many people each line rests
on.

| Skill | Evidence | extractive | llm | agent | cli |
| --- | --- | --- | --- | --- | --- |
{skills}

**Whose words these are.** Those of `extractive` are learned: the engine works without a model, and writes
the same from the same sessions again. The words of the other three come from no model that an engine
asked. They were written beforehand, by hand, from the files that an author is shown: the question of
`llm`, the workspace of `agent` and `cli`. A script played them in the model's place, over HTTP, through
the engines as they are; for `cli` in the closed room. So these skills show the form, what the gate
refused, and what stayed. They do not show how well a model writes; that is [here](real/README.md).

## What the gate refused

Each draft has lines that should not pass. The engine gave them back to the author with the reason; the
author put them into other words or left them out.

| Engine, skill | Line of the first draft | Why it was refused | What became of it |
| --- | --- | --- | --- |
{refused}

What stayed is grounded: sessions hold its commands, names and numbers, in as many sessions of as many
people as the policy asks. Whether it is wise, and whether its reasons are right, is for the person who
reads the proposal.

## Make them again

<!-- not run: takes minutes; tests/evolve/test_evolve_examples.py does the same, and compares -->
```console
$ PYTHONPATH=src:tests/support python tests/support/evidence_examples.py
```

with the commands that users have: `import`, `evolve --engine NAME`, `skills show`, `skills evidence`. The
drafts are in `tests/support/example_drafts`, a file for each engine, in the form in which it takes them.
Where `E2E_CLIENTS` names a folder with Claude Code, that is what runs in the room of `cli`; else a small
program takes its place. What comes out is the same.
"""


def evidence(engine: str, name: str, skill: str, lines: Sequence[dict[str, Any]], count: int) -> str:
    """EVIDENCE.md of one skill."""
    rows = [
        f"| {_cell(line['text'])} | {len(line['sessions'])} | {line['users']} | {_ratio(line)} |"
        for line in lines
    ]
    return "\n".join(
        (
            f"# What the lines of {skill} rest on",
            "",
            f"{_origin(engine)} the set `{name}` ({count} sessions) under the policy `team`: each",
            "line needs three sessions of two users. The ratio compares how often sessions of the same task",
            "succeeded that did what the line says with those that did not, with its 95% interval; `-` where",
            "there is nothing to compare, or none of the others succeeded.",
            "",
            "| Line | Sessions | Users | Odds ratio |",
            "| --- | --: | --: | --: |",
            *rows,
            "",
        )
    )


def refusals(engine: str, skill: str, written: Mapping[str, Any], faults: Sequence[str]) -> list[str]:
    """Rows of the index: the lines that were refused, in full, with the gate's reason.

    Raises AssertionError where a line that the draft mends was refused for no reason, or another was.
    """
    found: dict[str, str] = {}
    texts = [line["text"] for line in written["draft"].get("lines") or written["draft"]["edits"]]
    for fault in faults:
        told = re.match(r"(?:The line|Edit \d+ \(add) “(.*?)(?:\.\.\.)?”(?: in “[^”]*”|\)): (.*)", fault)
        if told is not None:
            (text,) = [text for text in texts if text.startswith(told[1])]
            found[text] = told[2]
    assert set(found) == set(written["mended"]), (engine, skill, faults)
    rows = []
    for text, reason in found.items():
        cells = (f"{engine}, {skill}", text, reason, written["mended"][text] or "left out")
        rows.append(f"| {' | '.join(map(_cell, cells))} |")
    return rows


def index(shown: Mapping[str, str], engines: Sequence[str], refused: Sequence[str]) -> str:
    """README.md: `shown` are the sets of evidence by skill."""
    rows = []
    for skill, name in shown.items():
        links = [
            f"[skill]({engine}/{skill}/SKILL.md), [lines]({engine}/{skill}/EVIDENCE.md)" for engine in engines
        ]
        rows.append(f"| `{skill}` | `{name}`: {SETS[name]} | {' | '.join(links)} |")
    return INDEX.format(skills="\n".join(rows), refused="\n".join(refused))


SETS = {
    "claude-code": "recorded Claude Code sessions of three people who work on a shop's till",
    "codex": "recorded Codex sessions of three people who make a monthly report",
    "workbench": "864 sessions of WorkBench, a public collection",
}


def _origin(engine: str) -> str:
    if engine == "extractive":
        return "Learned from"
    return "Written by hand, played in a model's place ([whose words](../../README.md)).\nIts lines rest on"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _ratio(line: dict[str, Any]) -> str:
    ratio, ci = line.get("odds_ratio"), line.get("ci")
    if ratio is None:
        return "-"
    return f"{ratio:.1f} [{ci[0]:.1f}, {ci[1]:.1f}]" if ci else f"{ratio:.1f}"
