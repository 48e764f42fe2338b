"""`make lock`: resolves pyproject.toml anew and writes `packaging/locks`; with `--check` it only looks.

Versions that the files hold are kept as long as pyproject.toml allows them: `--upgrade` takes the newest of
all, `--upgrade NAME` of one package. Then uv says for each system and Python whether the files install from
wheels alone. The addresses that uv asked stay out of the files.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from lockfiles import APART, CLIENT, GROUPS, LOCKS, Pin, asked, extras, faults, head, pins

__all__ = ["uv_program"]

ROOT = Path(__file__).resolve().parents[2]
PLATFORMS = ("x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc")
PYTHONS = ("3.11", "3.12", "3.13")
LINUX_ONLY = frozenset({"dev"})
"""Looked at on Linux only: the tests' servers and linters are not all made for other systems."""


def main() -> int:
    """0 when the files are as they should be, 1 when not, with what is wrong in words."""
    given = argparse.ArgumentParser(description="Make or check the lock files.")
    given.add_argument("--check", action="store_true", help="only look, without network")
    given.add_argument("--upgrade", nargs="*", metavar="NAME", help="take newer versions: of all, or of NAME")
    given.add_argument("--wheels", action="store_true", help="see that every system has its wheels")
    args = given.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    if not args.check:
        _make(project, args.upgrade)
    files = {path.stem: path.read_text() for path in sorted((ROOT / LOCKS).glob("*.txt"))}
    wrong = list(faults(project, files))
    if args.wheels and not wrong:
        wrong += _without_wheels(project)
    for fault in wrong:
        sys.stderr.write(f"{LOCKS}: {fault}\n")
    if not wrong:
        sys.stdout.write(f"{LOCKS}: {len(files)} files hold.\n")
    return bool(wrong)


def _make(project: dict[str, Any], upgrade: list[str] | None) -> None:
    folder = ROOT / LOCKS
    folder.mkdir(exist_ok=True)
    together = [name for name in extras(project) if name not in APART]
    with tempfile.TemporaryDirectory() as scratch:
        everything = Path(scratch) / "all.txt"
        everything.write_text(_held(folder, together))
        _resolve(project, together, everything, upgrade=upgrade)
        client: list[Pin] = []
        for name in extras(project):
            out = Path(scratch) / f"{name}.txt"
            if name in APART:
                out.write_text(_held(folder, [name]))
                _resolve(project, [name], out, upgrade=upgrade)
                own = pins(out.read_text())
            else:
                _resolve(project, [name] if name in GROUPS else [CLIENT, name], out, within=everything)
                own = pins(out.read_text())
                if name == CLIENT:
                    client = own
                elif name not in GROUPS:
                    had = {(pin.name, pin.version, pin.marker) for pin in client}
                    own = [pin for pin in own if (pin.name, pin.version, pin.marker) not in had]
            text = "".join(_clean(pin) for pin in own)
            (folder / f"{name}.txt").write_text(head(project, name) + text)


def _held(folder: Path, names: list[str]) -> str:
    """What the files hold now, each pin once: uv keeps to it."""
    had = {}
    for name in names:
        path = folder / f"{name}.txt"
        for pin in pins(path.read_text()) if path.exists() else ():
            had[pin.name, pin.version] = pin.text
    return "".join(had.values())


def _clean(pin: Pin) -> str:
    """A pin without the names of the files that uv read."""
    lines = [f"{pin.name}=={pin.version}" + (f" ; {pin.marker}" if pin.marker else "")]
    lines += [f"--hash=sha256:{digest}" for digest in pin.hashes]
    via = sorted({"skillclaw (pyproject.toml)" if "wanted.in" in one else one for one in pin.via})
    via = [one for one in via if not one.startswith("-c ")]
    return " \\\n    ".join(lines) + "\n    # via " + ", ".join(via) + "\n"


def _resolve(
    project: dict[str, Any],
    names: list[str],
    out: Path,
    *,
    within: Path | None = None,
    upgrade: list[str] | None = None,
) -> None:
    wanted = out.with_name("wanted.in")
    wanted.write_text("\n".join(sorted({one for name in names for one in asked(project, name)})) + "\n")
    least = str(project["project"]["requires-python"]).removeprefix(">=")
    more = ["-c", str(within)] if within else []
    if upgrade is not None:
        more += [part for name in upgrade for part in ("--upgrade-package", name)] or ["--upgrade"]
    _uv(
        *("pip", "compile", wanted, "--output-file", out, "--universal", "--python-version", least),
        *(
            "--generate-hashes",
            "--no-emit-index-url",
            "--no-emit-find-links",
            "--no-header",
            "--quiet",
            *more,
        ),
    )


def _without_wheels(project: dict[str, Any]) -> list[str]:
    """For which systems a file asks for a package that is not there as a wheel."""
    wrong = []
    for name in extras(project):
        for platform in PLATFORMS[:1] if name in LINUX_ONLY else PLATFORMS:
            for python in PYTHONS:
                with tempfile.TemporaryDirectory() as empty:
                    done = subprocess.run(
                        [
                            *(
                                uv_program(),
                                "pip",
                                "install",
                                "--dry-run",
                                "--target",
                                empty,
                                "--require-hashes",
                            ),
                            *("--only-binary", ":all:", "--python-platform", platform, "--quiet"),
                            *("--python-version", python, "-r", str(ROOT / LOCKS / f"{name}.txt")),
                        ],
                        capture_output=True,
                        text=True,
                        check=False,
                    )
                if done.returncode:
                    said = " ".join(done.stderr.split())
                    wrong.append(f"{name}.txt on {platform} with Python {python}: {said}")
    return wrong


def uv_program() -> str:
    """uv of the environment that this runs in, else of the path."""
    own = Path(sys.executable).with_name("uv")
    return str(own) if own.exists() else "uv"


def _uv(*argv: object) -> None:
    environ = os.environ | {"UV_NO_PROGRESS": "1"}
    done = subprocess.run([uv_program(), *map(str, argv)], env=environ, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"uv could not resolve pyproject.toml ({done.returncode}); the lock files are as they were.")


if __name__ == "__main__":
    sys.exit(main())
