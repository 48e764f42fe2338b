"""Which versions of what this is."""

from __future__ import annotations

import platform
import re
import sqlite3
import sys
from importlib import metadata

from skillclaw import __version__
from skillclaw.agents import Env, adapters
from skillclaw.server.setup.survey import is_installed

__all__ = ["facts"]

LIBRARIES = ("aiohttp", "msgspec", "obstore", "pynacl", "scikit-learn", "starlette")
_VERSION = re.compile(r"\d{1,6}(?:\.\d{1,9}){0,4}")


def facts() -> dict[str, str]:
    """Versions by name; of the agents those that are installed."""
    found = {
        "skillclaw": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {_number(platform.release())} {platform.machine()}",
        "encoding": sys.getfilesystemencoding(),
        "sqlite": sqlite3.sqlite_version,
    }
    for name in LIBRARIES:
        try:
            found[name] = str(metadata.version(name))
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
        except Exception:  # half installed
            found[name] = "cannot be told"
    env = Env.current()
    for name, adapter in sorted(adapters().items()):
        try:
            if is_installed(adapter, env):
                found[f"agent {name}"] = _number(adapter.detect(env, True).version or "")
        except Exception:  # an agent's own files may hold anything
            found[f"agent {name}"] = "cannot be looked at"
    return found


def _number(text: str) -> str:
    """The numbers of a version: what stands around them may be anything."""
    match = _VERSION.search(text)
    return match[0] if match else "unknown"
