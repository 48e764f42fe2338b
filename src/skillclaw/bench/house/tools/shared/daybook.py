"""What the programs remember: data laid down for them, and a list of what was done with each."""

import json
from pathlib import Path

STATE = Path("/var/lib/house")


def data(program):
    """What `program` has to show; an empty object where nothing was laid down."""
    return _read(STATE / f"{program}.json", {})


def done(program):
    """What was done with `program`, oldest first."""
    return _read(STATE / f"{program}_log.json", [])


def note(program, **what):
    """Add to what was done with `program`."""
    entries = [*done(program), what]
    (STATE / f"{program}_log.json").write_text(json.dumps(entries), "utf-8")


def _read(path, otherwise):
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return otherwise
    return found if isinstance(found, type(otherwise)) else otherwise
