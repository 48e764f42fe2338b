"""What somebody has who typed `make up`: of the packages that are here for tests, those can be imported.

No others can.
A clone of its own environment would take a minute to install for each page; `test_e2e_fresh_clone` makes one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def up_extras() -> list[str]:
    """What `make up` installs, by the Makefile."""
    found = re.search(r"^CLIENT_EXTRAS := (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert found is not None
    return found[1].split()


def brought(extras: Iterable[str]) -> set[str]:
    """The packages that SkillClaw with these extras asks for, and what they ask for, by their plain names."""
    found: set[str] = set()
    ahead = [("skillclaw", extra) for extra in ("", *extras)]
    seen = set(ahead)
    while ahead:
        name, extra = ahead.pop()
        found.add(canonicalize_name(name))
        try:
            asked = requires(name) or ()
        except PackageNotFoundError:
            continue  # of another system, or of an extra that is not here
        for one in map(Requirement, asked):
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                new = {(one.name, more) for more in ("", *one.extras)} - seen
                seen |= new
                ahead += new
    return found


def shutting_out(extras: Iterable[str]) -> str:
    """A `sitecustomize.py` with which only those packages can be imported, as if no other were installed."""
    have = brought(extras) | {"pip", "setuptools"}
    absent = {
        module
        for module, packages in packages_distributions().items()
        if not {canonicalize_name(one) for one in packages} & have and module not in sys.stdlib_module_names
    }
    return (
        "import sys\n\n\n"
        "class Absent:\n"
        f"    modules = frozenset({sorted(absent)!r})\n\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in cls.modules:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n\n\n"
        "sys.meta_path.insert(0, Absent)\n"
    )
