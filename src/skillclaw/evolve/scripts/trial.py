"""A script is tried before it is proposed: that it parses, and that it tells how it is called.

Only the frame of it runs, with a number of arguments that it refuses, and only in a closed room. Where no
room can be had it is parsed alone.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from skillclaw.errors import SkillClawError
from skillclaw.sandbox import Limits, Mount, open_box, why_no_room
from skillclaw.skills.scripts import Script, render

__all__ = ["fault"]

SECONDS = 10.0
PLACE = "/workspace"


def fault(script: Script) -> str:
    """Why the script cannot be proposed; empty where it can."""
    return _tried(script.language, script.path, render(script), len(script.args))


@cache
def _tried(language: str, path: str, text: str, args: int) -> str:
    wrong = _parses(language, text)
    return wrong or _refuses(language, path, text, args)


def _parses(language: str, text: str) -> str:
    if language == "py":
        try:
            compile(text, "script", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            return f"it is no Python ({error})"
        return ""
    bash = shutil.which("bash")
    if bash is None:
        return "no shell is here that could read it"
    try:
        done = subprocess.run(
            [bash, "--norc", "-n"], input=text.encode(), capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the shell cannot read it ({error})"
    return "" if done.returncode == 0 else "the shell cannot read it"


def _refuses(language: str, path: str, text: str, args: int) -> str:
    """Run it with no argument, or with one that it does not take; it has to say how it is called."""
    if why_no_room():
        return ""
    argv = ["python3" if language == "py" else "bash", f"{PLACE}/{Path(path).name}"]
    argv += [] if args else ["unknown"]
    with tempfile.TemporaryDirectory(prefix="skillclaw-script-") as folder:
        Path(folder, Path(path).name).write_text(text, "utf-8")
        try:
            with open_box([Mount(outside=Path(folder), inside=PLACE)], workspace=PLACE) as box:
                ran = box.run(argv, limits=Limits(seconds=SECONDS, memory_mb=512, processes=16))
        except SkillClawError as error:
            return f"it could not be tried ({error.what})"
    if ran.code != 2 or not ran.output.startswith(f"usage: {path}"):
        return f"called without arguments it does not tell its usage (exit code {ran.code})"
    return ""
