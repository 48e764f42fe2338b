"""Python's compiled files, whole or not at all.

A disk that fills, or a limit of file sizes, cuts off what Python compiles as it imports, and Python 3.11 and
the first of 3.12 and 3.13 put the half in its place (https://github.com/python/cpython/issues/126606): each
later start fails at it, also once there is room.
"""

from __future__ import annotations

import contextlib
import marshal
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

__all__ = ["CUT", "cut_off", "keep_whole"]

CUT = (EOFError, ValueError, TypeError)
"""What Python raises as it reads a compiled file that is cut off."""
HEAD = 16
"""Bytes before the code in a compiled file (PEP 552)."""


def keep_whole() -> None:
    """Have this process leave no compiled file that is cut off."""
    usual = SourceFileLoader.set_data
    if getattr(usual, "keeps_whole", False):
        return

    def set_data(loader: SourceFileLoader, path: str, data: Any, **more: Any) -> None:
        usual(loader, path, data, **more)
        with contextlib.suppress(OSError):  # as the usual one: a compiled file saves time, and no more
            if Path(path).stat().st_size != len(data):
                Path(path).unlink()

    set_data.keeps_whole = True  # type: ignore[attr-defined]
    SourceFileLoader.set_data = set_data  # type: ignore[method-assign, assignment]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "skillclaw":  # what was compiled before this
            _look_at(getattr(module, "__cached__", None))


def _look_at(path: str | None) -> None:
    if not path:
        return
    with contextlib.suppress(OSError):
        try:
            marshal.loads(Path(path).read_bytes()[HEAD:])  # noqa: S302  as Python did
        except CUT:
            Path(path).unlink()


def cut_off(error: BaseException) -> tuple[str, str, str] | None:
    """What, why and what to do where `error` came of a compiled file that is cut off, which is deleted."""
    path = _compiled(error)
    if not path:
        return None
    what = "A compiled file of Python was cut off, as a full disk leaves it."
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as problem:
        return what, f"{path} cannot be deleted: {problem.strerror}.", "Delete it, then try again."
    return what, f"{path} is deleted now.", "Run the command again."


def _compiled(error: BaseException) -> str:
    """The compiled file at which an import failed; empty where the error is of something else."""
    at = error.__traceback__ if isinstance(error, CUT) else None
    while at is not None and at.tb_next is not None:
        inner = at.tb_next.tb_frame.f_code
        if inner.co_name == "_compile_bytecode" and "importlib" in inner.co_filename:
            return str(at.tb_frame.f_locals.get("bytecode_path") or "")
        at = at.tb_next
    return ""
