"""`skillclaw doctor --deep`: one report of everything, safe to paste into an issue (docs/operating.md).

Each module looks at one thing and says what it found in words and counts of its own: never a name, a path, an
address, an error's text or anything of a session. masking.py is the net below that.
"""

from __future__ import annotations

from skillclaw.server.deep.records import Report
from skillclaw.server.deep.report import examine_all

__all__ = ["Report", "examine_all"]
