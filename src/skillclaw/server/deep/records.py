"""What the report is made of."""

from __future__ import annotations

from typing import Literal

from skillclaw.errors import SkillClawError
from skillclaw.limits import lacking
from skillclaw.trajectory.model import Record

__all__ = ["Check", "Report", "fail", "ok", "unread", "warn"]

Level = Literal["ok", "warn", "fail"]


class Check(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One thing that was looked at: `group` of checks, what it is, how it stands, the mend."""

    group: str
    subject: str
    level: Level
    text: str
    mend: str = ""


class Report(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`doctor --deep --json`: `ok` is false where something is wrong; `facts` are versions and the like;
    `settings` those that differ from the defaults, with what is private masked.
    """

    ok: bool
    facts: dict[str, str]
    settings: dict[str, str]
    checks: list[Check]


def ok(group: str, subject: str, text: str) -> Check:
    """As it should be."""
    return Check(group=group, subject=subject, level="ok", text=text)


def warn(group: str, subject: str, text: str, mend: str) -> Check:
    """Not as it should be, but nothing is lost or broken by it."""
    return Check(group=group, subject=subject, level="warn", text=text, mend=mend)


def fail(group: str, subject: str, text: str, mend: str) -> Check:
    """Wrong."""
    return Check(group=group, subject=subject, level="fail", text=text, mend=mend)


def unread(
    group: str, subject: str, error: Exception, mend: str, *, said: str = "", text: str = "cannot be read"
) -> Check:
    """Wrong, since it could not be read. Of the error its kind is told (or `said`), never its words, which
    may hold paths. Where a limit of the process is behind it, that is what to mend: nobody is to put aside a
    file that just could not be opened then.
    """
    limit = error.limit if isinstance(error, SkillClawError) else lacking(error)
    if limit is not None:
        return fail(group, subject, f"{text} ({limit[0]})", limit[1])
    return fail(group, subject, f"{text} ({said or type(error).__name__})", mend)
