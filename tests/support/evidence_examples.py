"""Write docs/examples: skills that each engine makes of the packaged evidence, and what their lines rest on.

    PYTHONPATH=src:tests/support python tests/support/evidence_examples.py

Each set is imported into a fresh home and evolved with the commands that users have. `extractive` learns by
itself; for the other engines the drafts of `example_drafts` are played in the model's place.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from cli import ok, ok_json
from evidence import sessions
from example_engines import ENGINES, draft_of, evolved, mended
from example_pages import evidence, index, refusals

FOLDER = Path(__file__).parents[2] / "docs" / "examples"
SHOWN = {"release-version-till": "claude-code", "sales-report": "codex", "email-know-how": "workbench"}


def example(engine: str, skill: str, folder: Path, client: str = "") -> list[str]:
    """Write one skill with its evidence below `folder`; rows on what the gate refused."""
    name, refused = SHOWN[skill], []
    with tempfile.TemporaryDirectory(prefix="examples-") as place:
        home = Path(place)
        ok("config", "set", "gate.policy", "team", home=home)
        ok("import", str(sessions(name)[0].parent), home=home)
        if engine in ENGINES:
            count, faults = evolved(engine, skill, home, client)
            refused = refusals(engine, skill, draft_of(engine, skill), faults)
        else:
            count = ok_json("evolve", home=home)["sessions"]
        own = folder / engine / skill
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir(parents=True)
        shown = ok("skills", "show", skill, home=home)
        if engine in ENGINES:
            last = mended(draft_of(engine, skill))
            lost = [one["text"] for one in last.get("lines") or last["edits"] if one["text"] not in shown]
            assert not lost, lost
        (own / "SKILL.md").write_text(shown.rstrip("\n") + "\n", "utf-8")
        lines = ok_json("skills", "evidence", skill, home=home)
        (own / "EVIDENCE.md").write_text(evidence(engine, name, skill, lines, count), "utf-8")
    return refused


def main() -> None:
    clients = os.environ.get("E2E_CLIENTS", "")
    client = str(Path(clients, "node_modules", ".bin")) if clients else ""
    engines = ["extractive", *ENGINES]
    refused = []
    for engine in engines:
        for skill in SHOWN:
            refused += example(engine, skill, FOLDER, client)
            print(f"{engine}: {skill}")
    (FOLDER / "README.md").write_text(index(SHOWN, engines, refused), "utf-8")


if __name__ == "__main__":
    main()
