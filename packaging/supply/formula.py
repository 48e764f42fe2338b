"""`make formula`: a formula for Homebrew from the template, with each package that the locks of the client,
`clouds` and `fast` pin: to what Homebrew installed nothing can be added later.

uv tells where the sources of those packages lie (PEP 751), asking the index that it is set to ask. An address
gets into the formula only with a digest that the lock has: Homebrew builds what pip would take.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lockfiles import CLIENT, LOCKS, Pin, machines, pins
from make_lock import uv_program

__all__ = ["PARTS", "formula", "resources"]

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "packaging" / "homebrew" / "skillclaw.rb.in"
PYTHON = "3.13"
"""The Python that the template depends on."""
PARTS = (CLIENT, "clouds", "fast")
"""The lock files that it holds."""
THEIRS = frozenset({"certifi"})
"""What Homebrew has a formula of its own for, which Python programs are to use."""


def main() -> int:
    """0 when the formula is written; 1 with what is wrong in words."""
    given = argparse.ArgumentParser(description="Write the formula for Homebrew.")
    given.add_argument("--sdist", type=Path, required=True, help="SkillClaw's own, as `make dist` made it")
    given.add_argument("--url", required=True, help="where that file lies for everybody")
    given.add_argument("--homepage", required=True)
    given.add_argument("--out", type=Path, default=ROOT / "dist" / "skillclaw.rb")
    args = given.parse_args()
    lock = "".join((ROOT / LOCKS / f"{name}.txt").read_text() for name in PARTS)
    try:
        text = formula(
            TEMPLATE.read_text(),
            {
                "HOMEPAGE": args.homepage,
                "URL": args.url,
                "SHA256": hashlib.sha256(args.sdist.read_bytes()).hexdigest(),
                "RESOURCES": resources(pins(lock), _asked(lock)),
            },
        )
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(text)
    sys.stdout.write(f"{args.out}: {text.count('  resource ')} packages.\n")
    return 0


def formula(template: str, values: Mapping[str, str]) -> str:
    """The template with its places filled. ValueError for a value that Ruby would not take as it is."""
    for name, value in values.items():
        if name != "RESOURCES" and not re.fullmatch(r"[A-Za-z0-9:/._~%?&=+,@-]+", value):
            raise ValueError(f"{name.lower()} cannot stand in a formula: {value!r}")
    text = re.sub(r"@([A-Z0-9]+)@", lambda found: values[found[1]], template)
    return text


def resources(locked: Sequence[Pin], told: Mapping[str, Any]) -> str:
    """The packages of `locked` that Homebrew's machines need, by name; `told` is uv's word of them (PEP 751).

    ValueError for one that has no source, or one whose digest is not in the lock.
    """
    places = {one["name"]: one for one in told["packages"]}
    blocks = []
    for pin in sorted(locked, key=lambda pin: pin.name):
        if pin.name in THEIRS or not any(pin.applies(one) for one in _homebrews()):
            continue
        source = places.get(pin.name, {}).get("sdist")
        if source is None:
            raise ValueError(f"{pin.name} {pin.version} has no source to build")
        digest = source["hashes"].get("sha256")
        if digest not in pin.hashes:
            raise ValueError(f"{pin.name} {pin.version}: its source is not the one that the lock names")
        if not re.fullmatch(r"[A-Za-z0-9:/._~%+-]+", source["url"]):
            raise ValueError(f"{pin.name}: its address cannot stand in a formula: {source['url']!r}")
        blocks.append(f'  resource "{pin.name}" do\n    url "{source["url"]}"\n    sha256 "{digest}"\n  end')
    return "\n\n".join(blocks)


def _homebrews() -> list[Mapping[str, str]]:
    return [one for one in machines() if one["python_version"] == PYTHON and one["sys_platform"] != "win32"]


def _asked(lock: str) -> dict[str, Any]:
    """uv's list of where the files of the pinned packages lie."""
    with tempfile.TemporaryDirectory() as scratch:
        wanted, out = Path(scratch, "wanted.in"), Path(scratch, "pylock.toml")
        # Pins alone, without digests: uv then tells of the files as the index has them.
        wanted.write_text("".join(f"{pin.name}=={pin.version}\n" for pin in pins(lock)))
        done = subprocess.run(
            [
                *(uv_program(), "pip", "compile", str(wanted), "--no-deps", "--format", "pylock.toml"),
                *("--python-version", PYTHON, "--quiet", "--output-file", str(out)),
            ],
            check=False,
        )
        if done.returncode:
            raise ValueError("uv could not tell where the packages lie.")
        return tomllib.loads(out.read_text())


if __name__ == "__main__":
    sys.exit(main())
