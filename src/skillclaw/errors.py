"""The errors that a user can meet.

SkillClawError             something went wrong that the user can understand; exit code 1
├── UsageError             the command or a setting was given wrongly; exit code 2
├── BadInputError          a file, record or message does not hold what it should
│   └── UpgradeNeededError it was written by a newer SkillClaw; nothing is changed
├── StorageError           a disk or a hub could not be read or written
│   ├── GoneError          the hub answered, and does not have what its log names
│   └── BlockedError       the hub answered, and does not give, or take, this one object
├── VerifyError            a signature, hash or chain does not hold
└── BusyError              another SkillClaw process holds what is needed

Every error says what happened, why, and what to do next, in three lines at most.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from skillclaw.limits import lacking

if TYPE_CHECKING:
    UNREADABLE: tuple[type[Exception], type[ValueError], type[RecursionError]]
    """What parsers raise for bytes that do not hold what they should. Errors of JSON and TOML, text that is
    no UTF-8 and numbers of too many digits are ValueErrors; endless nesting is a RecursionError."""

__all__ = [
    "LASTING",
    "NOT_YAML",
    "UNREADABLE",
    "BadInputError",
    "BlockedError",
    "BusyError",
    "DamagedSessionError",
    "GoneError",
    "SkillClawError",
    "StorageError",
    "UpgradeNeededError",
    "UsageError",
    "VerifyError",
    "in_one_line",
]

NOT_YAML = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What PyYAML raises beside its own YAMLError, for values that fit no tag: `!!bool x`, `2026-99-99`."""


def __getattr__(name: str) -> object:
    if name != "UNREADABLE":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import msgspec  # which takes as long to load as half of the commands take to run

    globals()[name] = (msgspec.MsgspecError, ValueError, RecursionError)
    return globals()[name]


def in_one_line(error: object) -> str:
    """What an error says, in one line: for logs, tables and files that have a line for each."""
    return " ".join(str(error).split())


class SkillClawError(Exception):
    """A failure that is told to the user without a traceback.

    `what` is one sentence; `why` the cause as found; `todo` what the user can do next; `limit` what the
    system calls a limit of it that is behind this, and what to do about that, else None. Made as the error of
    a limit is handled (too many open files), it says so whatever the part takes it for: nobody is to delete a
    file, or to mend its permissions, that just could not be opened then.
    """

    exit_code = 1

    def __init__(self, what: str, why: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.limit = lacking(sys.exception())
        if self.limit is not None:
            said, todo = self.limit
            why = why if said in why else f"{why}: {said}" if why else said
        self.what = what
        self.why = why
        self.todo = todo

    @property
    def brief(self) -> str:
        """What happened and why, in one line, for where what to do is said by other means."""
        return " ".join(part for part in (self.what, self.why) if part)

    def __str__(self) -> str:
        return "\n".join(line for line in (self.what, self.why, self.todo) if line)


class UsageError(SkillClawError):
    """The command or a setting was given wrongly."""

    exit_code = 2


class BadInputError(SkillClawError):
    """A file, record or message does not hold what it should."""


class UpgradeNeededError(BadInputError):
    """Something was written in a format newer than this version reads; it is left as it is."""


class StorageError(SkillClawError):
    """A disk or a hub could not be read or written."""


class GoneError(StorageError):
    """What the log names is not in the hub."""


class DamagedSessionError(StorageError):
    """One stored session cannot be decoded any more, though others can."""


class BlockedError(StorageError):
    """One object cannot be read or written, though others can: something else lies in its place, or it is
    encrypted with a key of somebody's own."""


class VerifyError(SkillClawError):
    """A signature, a hash or a chain does not hold."""


class BusyError(SkillClawError):
    """Another SkillClaw process holds what is needed."""


LASTING = (BadInputError, BlockedError, GoneError, VerifyError)
"""What is wrong with one object of a hub, and stays so: no reason to stop for all others. Where a storage
does not answer, the next try may find it."""
