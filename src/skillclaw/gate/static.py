"""What clients check again before they install: the files alone, without evidence (DESIGN 7.4)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from skillclaw.gate.context import Masker
from skillclaw.skills.records import Bundle, Verdict

__all__ = ["default_masker", "static_checks"]


@cache
def default_masker() -> Masker:
    """The redaction rules without a person: no home folder, no user names. The placeholders it makes are
    thrown away, so its key is no secret."""
    from skillclaw.journal.redact import Redactor

    return Redactor(b"\0" * 32, home=Path("/nonexistent-home"), user_names=())


def static_checks(bundle: Bundle) -> list[Verdict]:
    """The verdicts that the files of `bundle` alone give: spec, size, hidden, secrets, scan."""
    from skillclaw.gate.checks import StaticCheck, checks

    return [
        verdict for check in checks() if isinstance(check, StaticCheck) for verdict in check.static(bundle)
    ]
