"""Write docs/examples/extractive: skills that the extractive engine learns from the packaged evidence.

    PYTHONPATH=src:tests/support python tests/support/evidence_examples.py

Each set is imported into a fresh home and evolved with the commands that users have; beside each skill stands
what `skillclaw skills evidence` says of its lines.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from cli import ok, ok_json
from evidence import sessions

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "extractive"
SHOWN = (("claude-code", "make-till"), ("codex", "sales-report"), ("workbench", "email-know-how"))


def _ratio(line: dict[str, Any]) -> str:
    ratio, ci = line.get("odds_ratio"), line.get("ci")
    if ratio is None:
        return "-"
    return f"{ratio:.1f} [{ci[0]:.1f}, {ci[1]:.1f}]" if ci else f"{ratio:.1f}"


def _table(name: str, skill: str, lines: list[dict[str, Any]], cycle: dict[str, Any]) -> str:
    rows = [
        f"| {' '.join(line['text'].split()).replace('|', chr(92) + '|')} | {len(line['sessions'])} "
        f"| {line['users']} | {_ratio(line)} |"
        for line in lines
    ]
    return "\n".join(
        (
            f"# What the lines of {skill} rest on",
            "",
            f"Learned from the set `{name}` ({cycle['sessions']} sessions) under the policy `team`: each",
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


def main() -> None:
    for name, skill in SHOWN:
        with tempfile.TemporaryDirectory(prefix="examples-") as place:
            home = Path(place)
            ok("config", "set", "gate.policy", "team", home=home)
            ok("import", str(sessions(name)[0].parent), home=home)
            cycle = ok_json("evolve", home=home)
            folder = FOLDER / skill
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            shown = ok("skills", "show", skill, home=home)
            (folder / "SKILL.md").write_text(shown.rstrip("\n") + "\n", "utf-8")
            lines = ok_json("skills", "evidence", skill, home=home)
            (folder / "EVIDENCE.md").write_text(_table(name, skill, lines, cycle), "utf-8")
            print(f"{skill}: {len(lines)} lines")


if __name__ == "__main__":
    main()
