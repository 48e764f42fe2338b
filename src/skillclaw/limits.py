"""Limits of a process and of its system that a part meets at its own file, and takes for a fault of that.

`SkillClawError` asks here, so that whoever cannot open a file since too many are open is not told to mend its
permissions, or to delete it.
"""

from __future__ import annotations

import errno
import os
import sys

__all__ = ["FILES", "MEMORY", "SIZES", "lacking", "limit_of", "of_memory"]

FILES = "Close programs, or raise the limit of open files (ulimit -n), then run the command again."
SIZES = "Raise the limit of file sizes (ulimit -f), then run the command again."
MEMORY = "Close programs, or raise the limit of memory (ulimit -v), then run the command again."
_MENDS = {errno.EMFILE: FILES, errno.ENFILE: FILES, errno.EFBIG: SIZES, errno.ENOMEM: MEMORY}
_TOO_MANY, _NO_MEMORY = os.strerror(errno.EMFILE), os.strerror(errno.ENOMEM)
_UNLOADED = {_TOO_MANY: FILES, _NO_MEMORY: MEMORY, "cannot allocate memory": MEMORY, "failed to map": MEMORY}
"""What the loader of shared libraries says, which has no number."""
_FATAL = "Memory allocation still failed"
"""What the library that numpy calculates by says before it ends the process."""
_WORDS = {"RuntimeError: ": "start new thread", "ZstdError: ": "Allocation error"}
"""Errors without a number that too little memory is behind: how they begin, and what they say."""
_SPARE = 8
"""Files that SQLite opens for two databases at most: each itself, two of its log, and the folder."""
_IOERR, _CANTOPEN = 10, 14
"""Of SQLite's result codes: its errors do not say what the system said. A full disk has a code of its own."""


def lacking(error: BaseException | None) -> tuple[str, str] | None:
    """Where `error`, or what it came of, is a limit: what the system calls it, and what to do about it."""
    while error is not None:
        if limit := limit_of(error):
            return limit
        error = error.__cause__
    return None


def limit_of(error: BaseException) -> tuple[str, str] | None:
    """The same for `error` alone, to be asked as it is handled."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, OSError) and error.errno in _MENDS:
        return os.strerror(error.errno), _MENDS[error.errno]
    if isinstance(error, ImportError):
        mends = [mend for words, mend in _UNLOADED.items() if words in said]
        return (_TOO_MANY if mends[0] == FILES else _NO_MEMORY, mends[0]) if mends else None
    if isinstance(error, MemoryError) or any(
        kind in said and words in said for kind, words in _WORDS.items()
    ):
        return _NO_MEMORY, MEMORY
    if isinstance(error, SystemError) and "without exception set" in said and _limited("RLIMIT_AS"):
        return _NO_MEMORY, MEMORY  # C code that ran out of it and did not say so
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == _CANTOPEN and _none_left():
        return _TOO_MANY, FILES
    if code == _IOERR and _limited("RLIMIT_FSIZE"):
        return os.strerror(errno.EFBIG), SIZES
    return None


def of_memory(said: str) -> bool:
    """Whether an error of which only words are left tells that there was not enough memory."""
    return (
        "MemoryError" in said
        or _FATAL in said
        or any(one in said for one, mend in _UNLOADED.items() if mend == MEMORY)
    )


def _none_left() -> bool:
    """Whether this process may open no more than a few files now: those of a database that failed are closed
    by the time it says so."""
    opened = []
    try:
        for _ in range(_SPARE):
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    finally:
        for handle in opened:
            os.close(handle)
    return False


def _limited(name: str) -> bool:
    """Whether this process has the limit, of file sizes or of memory."""
    if sys.platform == "win32":
        return False
    import resource

    return bool(resource.getrlimit(getattr(resource, name))[0] != resource.RLIM_INFINITY)
