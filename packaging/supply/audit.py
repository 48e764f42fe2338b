"""`make audit`: asks pip-audit about every package of the lock files, on whatever system it is for.

Exit codes: 0 all were looked up and nothing is known; 1 something is known; 2 wrong usage, or pip-audit
failed for another reason; 3 NOT AUDITED, because no database of advisories could be asked. `--advisories`
takes OSV's records from a file, folder or zip on this machine in place of OSV's service, and then needs no
network.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SERVICE = "https://api.osv.dev/v1/query"
"""Where pip-audit asks by itself with `--vulnerability-service osv`."""
KNOWN, FAILED, NOT_AUDITED = 1, 2, 3
PATIENCE = 600.0
"""Seconds for all questions."""
_UNREACHED = re.compile(r"(?i)connection ?error|connecttimeout|could not connect|max retries|timed out")


def main() -> int:
    """See the module; prints each finding, and one closing line that says what was asked where."""
    given = argparse.ArgumentParser(description="Ask pip-audit about the packages of the lock files.")
    given.add_argument("--advisories", type=Path, help="OSV records on this machine: .json, folder or .zip")
    given.add_argument("--service", default=SERVICE, help="another service that answers as OSV's does")
    given.add_argument("--reachable", action="store_true", help="only say whether the service answers")
    given.add_argument("--locks", type=Path, default=ROOT / "packaging" / "locks")
    args = given.parse_args()
    where = str(args.advisories or args.service)
    if args.advisories is None and not _answers(args.service):
        return _not_audited(f"{args.service} cannot be reached from here")
    if args.reachable:
        return 0
    from advisories import answering, read
    from lockfiles import pins

    holders: dict[tuple[str, str], list[str]] = {}
    for path in sorted(args.locks.glob("*.txt")):
        for pin in pins(path.read_text()):
            holders.setdefault((pin.name, pin.version), []).append(path.stem)
    if not holders:
        sys.stderr.write(f"{args.locks} has no lock files.\n")
        return FAILED
    try:
        records = read(args.advisories, {name for name, _ in holders}) if args.advisories else None
    except (OSError, ValueError) as error:
        sys.stderr.write(f"The advisories cannot be read: {error}\n")
        return FAILED
    with answering(records) if records is not None else nullcontext(args.service) as url:
        found: list[dict[str, Any]] = []
        for sheet in sheets(holders):
            asked = _ask(sheet, url)
            if isinstance(asked, str):
                if _UNREACHED.search(asked):
                    return _not_audited(f"{where} did not answer ({asked.strip().splitlines()[-1][:200]})")
                sys.stderr.write(f"pip-audit failed: {asked}\n")
                return FAILED
            found += asked
    return _report(found, holders, where)


def sheets(pinned: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """The pins as lists where no name stands twice: pip-audit takes one version of each. It reads markers for
    its own machine only, so they are left out."""
    made: list[dict[str, str]] = []
    for name, version in sorted(pinned):
        for sheet in made:
            if name not in sheet:
                sheet[name] = version
                break
        else:
            made.append({name: version})
    return made


def _answers(service: str) -> bool:
    """Whether anything answers there, whatever it says."""
    try:
        with urllib.request.urlopen(urllib.request.Request(service, data=b"{}"), timeout=10):  # noqa: S310  the address of who runs it
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500 and error.code not in (
            403,
            407,
        )  # a network's proxy that lets nothing through
    except (OSError, ValueError):
        return False


def _ask(sheet: Mapping[str, str], url: str) -> list[dict[str, Any]] | str:
    """pip-audit's answers, or what it said where it gave none."""
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "pinned.txt"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in sheet.items()))
        argv = [
            *(sys.executable, "-m", "pip_audit", "--requirement", str(listed), "--no-deps", "--disable-pip"),
            *("--vulnerability-service", "osv", "--osv-url", url, "--format", "json"),
            *("--progress-spinner", "off", "--cache-dir", str(Path(scratch) / "cache")),
        ]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return "timed out"
    try:
        answers: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return done.stderr or f"exit code {done.returncode}, and no answer"
    got = {one["name"] for one in answers if "skip_reason" not in one}
    missed = sorted(set(sheet) - got)
    return f"no answer about {', '.join(missed)}" if missed else answers


def _report(found: list[dict[str, Any]], holders: Mapping[tuple[str, str], list[str]], where: str) -> int:
    bad = [one for one in found if one["vulns"]]
    for one in bad:
        in_files = ", ".join(holders[one["name"], one["version"]])
        for hole in one["vulns"]:
            names = " ".join([hole["id"], *hole.get("aliases", [])])
            cure = (
                f"fixed in {', '.join(hole['fix_versions'])}" if hole["fix_versions"] else "no fixed version"
            )
            sys.stdout.write(f"{one['name']} {one['version']} ({in_files}): {names}: {cure}\n")
    sys.stdout.write(
        f"Audited {len(found)} packages against {where}: "
        + (f"{len(bad)} with known vulnerabilities.\n" if bad else "nothing is known against them.\n")
    )
    return KNOWN if bad else 0


def _not_audited(why: str) -> int:
    sys.stderr.write(
        f"NOT AUDITED: {why}.\nNothing was looked up, so nothing is known of the packages. Run it where the"
        " service can be reached, or give its records: make audit ADVISORIES=all.zip\n"
    )
    return NOT_AUDITED


if __name__ == "__main__":
    sys.exit(main())
