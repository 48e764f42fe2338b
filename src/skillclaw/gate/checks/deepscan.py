"""`deepscan`: what a scanner of others says of the files, where one is installed (`skillclaw[scan]`).

Scanners agree on little, so that this one is an addition to `scan` and never in its place: what it calls
critical is refused, what it calls high waits for people, the rest is told. It runs as a program of its own in
an empty home folder, without keys and models, and with proxies that lead nowhere. If it breaks or hangs, the
change waits: what was to be scanned and was not has not passed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from skillclaw.gate.context import GateContext
from skillclaw.skills.records import Bundle, Proposal, Verdict

__all__ = ["check", "costly", "name", "order"]

name = "deepscan"
order = 79
costly = True

PACKAGE, PROGRAM, MODULE = "cisco-ai-skill-scanner", "skill-scanner", b"skill_scanner"
TIMEOUT = 180.0
"""Seconds; a skill takes about one on a free machine, and the start of the scanner several."""
LONGEST = 8_000_000
"""Bytes of an answer that are read."""
SHOWN = 3
_NOWHERE = "http://127.0.0.1:9"


class _FailedError(Exception):
    """The scanner gave no answer; the text says why, for people."""


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects what the scanner calls critical, holds what it calls high, or what it did not scan."""
    del context
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement has no files.")]
    program = _program()
    if program is None:
        # A verdict is for all of a group: where this machine's programs lie is not.
        reason = f"No scanner of others is installed ({PACKAGE}; the extra `skillclaw[scan]`)."
        return [Verdict(check=name, verdict="n/a", reason=reason)]
    try:
        findings = _findings(program, proposal.bundle)
    except _FailedError as error:
        reason = f"The scanner {PACKAGE} {error}, so it is not known what it would say."
        return [Verdict(check=name, verdict="hold", reason=reason)]
    return [_verdict(findings)]


def _verdict(findings: list[dict[str, Any]]) -> Verdict:
    by_severity: dict[str, list[dict[str, Any]]] = {}
    for one in findings:
        by_severity.setdefault(str(one.get("severity", "")).upper(), []).append(one)
    for severity, value in (("CRITICAL", "reject"), ("HIGH", "hold")):
        if grave := by_severity.get(severity):
            told = "; ".join(dict.fromkeys(_told(one) for one in grave[:SHOWN]))
            more = f" And {len(grave) - SHOWN} more." if len(grave) > SHOWN else ""
            reason = f"The scanner {PACKAGE} calls this {severity.lower()}: {told}.{more}"
            return Verdict(check=name, verdict=value, reason=reason)  # type: ignore[arg-type]
    lesser = [one for one in findings if str(one.get("severity", "")).upper() not in ("INFO", "SAFE")]
    if lesser:
        told = "; ".join(dict.fromkeys(_told(one) for one in lesser[:SHOWN]))
        return Verdict(check=name, verdict="pass", reason=f"The scanner {PACKAGE} notes: {told}.")
    return Verdict(check=name, verdict="pass", reason=f"The scanner {PACKAGE} finds nothing grave.")


def _told(one: dict[str, Any]) -> str:
    """The scanner's own title and the place; never the stretch of text, which anybody may have written."""
    title = " ".join(str(one.get("title") or one.get("rule_id") or "something").split())[:80]
    line = one.get("line_number")
    place = str(one.get("file_path") or "")[:80]
    return f"{title}, {place}" + (f", line {line}" if isinstance(line, int) else "") if place else title


def _program() -> str | None:
    """The scanner of this environment, or one that has an environment of its own on the path."""
    try:
        distribution(PACKAGE)
    except PackageNotFoundError:
        pass
    else:
        beside = shutil.which(PROGRAM, path=str(Path(sys.executable).parent))
        if beside:
            return beside
    found = shutil.which(PROGRAM)
    # Another package has a program of this name; this one's begins with an import of its own module.
    with contextlib.suppress(OSError):
        if found and MODULE in Path(found).read_bytes()[:4096]:
            return found
    return None


def _findings(program: str, bundle: Bundle) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="skillclaw-scan-", ignore_cleanup_errors=True) as place:
        folder = Path(place).resolve()
        skill = folder / "skill" / bundle.name
        for file in bundle.files:
            path = (skill / file.path).resolve()
            if not path.is_relative_to(skill) or path == skill:
                raise _FailedError("cannot be shown a file with an unsafe name")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.data)
        (folder / "home").mkdir()
        answer = folder / "answer.json"
        _run([program, "scan", str(skill), "--format", "json", "--output", str(answer)], folder)
        try:
            found = json.loads(answer.read_bytes()[:LONGEST])["findings"]
        except (OSError, ValueError, KeyError, TypeError):
            raise _FailedError("did not answer as it should") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _FailedError("did not answer as it should")
    return found


def _run(argv: list[str], folder: Path) -> None:
    environ = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder / "home"),
        "USERPROFILE": str(folder / "home"),
        "SYSTEMROOT": os.environ.get("SYSTEMROOT", ""),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), _NOWHERE),
    }
    quiet = subprocess.DEVNULL
    try:
        child = subprocess.Popen(
            argv, cwd=folder, env=environ, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        )
    except OSError as error:
        raise _FailedError(f"cannot be started ({type(error).__name__})") from error
    try:
        code = child.wait(TIMEOUT)
    except subprocess.TimeoutExpired:
        raise _FailedError(f"did not answer within {TIMEOUT:.0f} s") from None
    finally:
        _end(child)
    if code != 0:
        raise _FailedError(f"broke off (exit code {code})")


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the program with all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()
