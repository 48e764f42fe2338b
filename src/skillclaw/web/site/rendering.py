"""How a page is written. Every text is escaped, whatever it is, and what is invisible in it is written out:
sessions, skills, names and reasons come from others, and none of them may steer the reader or the browser.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from skillclaw.web.site.filters import FILTERS
from skillclaw.web.text import legible

__all__ = ["STATIC", "asset", "environment"]

HERE = Path(str(files("skillclaw.web")))
STATIC = HERE / "static"


@cache
def environment() -> Environment:
    """Jinja over `templates/`, with the filters that all pages have."""
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.filters.update(FILTERS)
    return found


def _shown(value: Any) -> Any:
    """A value as it goes into a page: markup of our own as it is, text made legible, nothing for None."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return legible(value)
    return "" if value is None else value


@cache
def asset(name: str) -> str:
    """`static/name` with its content's hash, so that a browser keeps it until it changes."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"static/{name}?v={digest}"
