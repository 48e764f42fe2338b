"""The sessions in docs/tutorial, which its readers import: made up, and said to be.

python tests/support/tutorial_sessions.py       writes them
"""

from __future__ import annotations

import json
from pathlib import Path

from atif_sessions import Ran, session

PLACE = Path(__file__).parents[2] / "docs" / "tutorial"
LACKS = "Error: Cannot find module 'left-pad'\nnpm ERR! Test failed."
PEOPLE = {
    "ada": ("Run the npm tests of the till", "Please run the npm tests", "Run the npm tests before I push"),
    "bob": ("Run the npm tests of the shop", "Do the npm tests pass?", "Run the npm tests again please"),
}


def text(who: str) -> str:
    """The sessions of one person, as JSON lines without a name in them: each is its importer's own."""
    lines = []
    for number, task in enumerate(PEOPLE[who]):
        ran = [
            Ran("npm test", 1, LACKS),
            Ran("npm ci", 0, "added 41 packages"),
            Ran("npm test", 0, "7 passed"),
        ]
        one = session(who, number, task, ran, final="The tests pass now.", project="till", outcome=None)
        del one["extra"]["skillclaw"]["user"]
        lines.append(json.dumps(one) + "\n")
    return "".join(lines)


if __name__ == "__main__":
    PLACE.mkdir(exist_ok=True)
    for name in PEOPLE:
        (PLACE / f"{name}.jsonl").write_text(text(name), "utf-8")
