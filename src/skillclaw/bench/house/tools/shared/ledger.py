"""What the house's programs share: each keeps one JSON file of what it has and of what was done with it."""

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

STATE = Path("/var/lib/house")


def load(program: str) -> dict[str, Any]:
    """What `program` has; empty where there is nothing yet."""
    try:
        return dict(json.loads((STATE / f"{program}.json").read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def note(program: str, data: dict[str, Any], **what: Any) -> None:
    """Write down what was done, and keep `data`."""
    data.setdefault("log", []).append(what)
    (STATE / f"{program}.json").write_text(json.dumps(data), "utf-8")


def refuse(program: str, why: str) -> NoReturn:
    """End with an error."""
    print(f"{program}: {why}", file=sys.stderr)
    sys.exit(3)
