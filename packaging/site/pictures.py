"""docs/loop.svg: the loop with the counts of one real run over the packaged sessions (`make pictures`).

The counts are kept beside the picture (docs/loop.json), so that a test can tell that the one is drawn from
the other without running the demo.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
WIDTH, STEP, HEIGHT, GAP = 720, 92, 64, 28
BOX = 300


def counted() -> dict[str, Any]:
    """Run the demo in a folder of its own and count what each step made."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.demo import run_demo

    with tempfile.TemporaryDirectory() as place:
        result = run_demo(Path(place), progress=lambda *_: None)
        machine = Machine(Path(result.home), {})
        proposals = list(machine.hub.state().proposals.values())
        asked = sum(len(one.verdicts) for one in proposals)
        return {
            "sessions": result.imported,
            "episodes": result.episodes,
            "patterns": result.patterns,
            "proposals": len(proposals),
            "verdicts": asked,
            "skills": [
                {"name": one.name, "sessions": one.sessions, "users": one.users} for one in result.skills
            ],
        }


def drawn(counts: Mapping[str, Any]) -> str:
    """The picture as SVG: the steps from above to below, the released skills beside the last."""
    skills = counts["skills"]
    steps = (
        (f"{counts['sessions']} sessions", "recorded office and shop tasks, masked"),
        (f"{counts['episodes']} episodes", "one request and what was done for it"),
        (f"{counts['patterns']} patterns", "what failed, what mended it, what successes share"),
        (f"{counts['proposals']} proposals", "SKILL.md files, each line with its sessions"),
        (f"{counts['verdicts']} verdicts of the gate", "spec, secrets, support, grounding, ..."),
        (f"{len(skills)} skills released", "signed, installed, measured in the next sessions"),
    )
    height = max(len(steps) * STEP, STEP * 5 + 40 + 22 * len(skills)) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
        ' role="img">',
        "<title>The loop, with the counts of one run</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        '<defs><marker id="a" markerWidth="8" markerHeight="8" refX="6" refY="3" orient="auto">'
        '<path d="M0 0L6 3L0 6z" fill="#1f5f94"/></marker></defs>',
    ]
    for number, (title, text) in enumerate(steps):
        top = 16 + number * STEP
        parts.append(
            f'<rect x="60" y="{top}" width="{BOX}" height="{HEIGHT}" rx="8" fill="#e8f1f8" stroke="#1f5f94"/>'
        )
        parts.append(f'<text x="76" y="{top + 27}" font-size="17" font-weight="bold">{escape(title)}</text>')
        parts.append(f'<text x="76" y="{top + 49}" font-size="12" fill="#333">{escape(text)}</text>')
        if number:
            parts.append(_arrow(f"M{60 + BOX / 2:g} {top - GAP}V{top - 3}"))
    last, side = 16 + (len(steps) - 1) * STEP + HEIGHT / 2, 30
    parts.append(_arrow(f"M60 {last:g}H{side}V{16 + HEIGHT / 2:g}H57"))
    top = 16 + (len(steps) - 1) * STEP
    for number, one in enumerate(skills):
        text = f"{one['name']}: {one['sessions']} sessions of {one['users']} users"
        parts.append(
            f'<text x="{60 + BOX + 20}" y="{top + 16 + 22 * number}" font-size="13">{escape(text)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _arrow(path: str) -> str:
    return f'<path d="{path}" fill="none" stroke="#1f5f94" stroke-width="2" marker-end="url(#a)"/>'


def main() -> None:
    """Count and draw."""
    counts = counted()
    (DOCS / "loop.json").write_text(json.dumps(counts, indent=1) + "\n", "utf-8")
    (DOCS / "loop.svg").write_text(drawn(counts), "utf-8")
    sys.stdout.write("docs/loop.svg, docs/loop.json\n")


if __name__ == "__main__":
    main()
