"""What every page that SkillClaw writes has in common: one HTML file, no network, untrusted text in it.

Jinja escapes every value, each page says what becomes of text that is invisible, and a
Content-Security-Policy lets nothing run or load but the page's own style and script, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

__all__ = ["environment", "policy"]


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy of a page with this style and this script."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def environment(page: str, visible: Callable[[str], str]) -> Environment:
    """Jinja with `page` as its template page.html.

    visible  makes text readable before it is escaped; markup of our own stays as it is
    """

    def shown(value: Any) -> Any:
        return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)

    return Environment(
        loader=DictLoader({"page.html": page}),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
