"""What clients check again before they install: the files alone, without evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from skillclaw.gate.context import Masker
from skillclaw.skills.records import Bundle, Verdict

__all__ = ["beside", "default_masker", "static_checks"]


@cache
def default_masker() -> Masker:
    """The redaction rules without a person: no home folder, no user names. The placeholders it makes are
    thrown away, so its key is no secret."""
    from skillclaw.journal.redact import Redactor

    return Redactor(b"\0" * 32, home=Path("/nonexistent-home"), user_names=())


def static_checks(bundle: Bundle) -> list[Verdict]:
    """The verdicts that the files of `bundle` alone give: spec, size, hidden, secrets, scan."""
    from skillclaw.gate.checks import StaticCheck, checks, size

    if size.too_large(bundle):  # looking through it all would take minutes
        return size.static(bundle)
    return [
        verdict for check in checks() if isinstance(check, StaticCheck) for verdict in check.static(bundle)
    ]


def beside(others: Callable[[], Iterable[Bundle]]) -> Callable[[Bundle], list[Verdict]]:
    """`static_checks` for skills that come to stand beside `others`, and beside each other: what does harm
    only together with one that is there is refused. `others` is asked once, when a first bundle is judged."""
    known: dict[str, Bundle] | None = None

    def check(bundle: Bundle) -> list[Verdict]:
        nonlocal known
        from skillclaw.gate.checks.scan import together

        if known is None:
            known = {other.name: other for other in others()}
        verdicts = static_checks(bundle)
        if all(verdict.verdict != "reject" for verdict in verdicts):
            verdicts += together(bundle, [one for name, one in known.items() if name != bundle.name])
        if all(verdict.verdict != "reject" for verdict in verdicts):
            known[bundle.name] = bundle
        return verdicts

    return check
