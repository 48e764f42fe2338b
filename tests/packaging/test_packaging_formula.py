"""The formula for Homebrew: every package of its locks, by their digests, as Ruby reads it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import formula
import lockfiles
import pytest

ROOT = Path(__file__).parents[2]
LOCKED = lockfiles.pins("".join((ROOT / f"packaging/locks/{name}.txt").read_text() for name in formula.PARTS))
VALUES = {
    "HOMEPAGE": "https://skillclaw.example",
    "URL": "https://skillclaw.example/a-1.tar.gz",
    "SHA256": "0" * 64,
}


def _source(pin: lockfiles.Pin, **other: Any) -> dict[str, Any]:
    url = f"https://files.example/{pin.name}-{pin.version}.tar.gz"
    return {"url": url, "hashes": {"sha256": pin.hashes[-1]}} | other


def _told(**other: dict[str, Any] | None) -> dict[str, Any]:
    """What uv tells of the locked packages; here the last digest is the source's."""
    return {"packages": [{"name": pin.name, "sdist": other.get(pin.name, _source(pin))} for pin in LOCKED]}


def _made(told: dict[str, Any]) -> str:
    return formula.formula(
        formula.TEMPLATE.read_text(), VALUES | {"RESOURCES": formula.resources(LOCKED, told)}
    )


def test_each_locked_package_is_built_from_what_the_lock_names() -> None:
    text = _made(_told())
    found = re.findall(
        r'(?m)^  resource "([^"]+)" do\n    url "([^"]+)"\n    sha256 "([0-9a-f]{64})"\n  end$', text
    )
    names = {name for name, _, _ in found}
    assert names == {pin.name for pin in LOCKED} > {"aiohttp", "obstore", "uvloop"}
    assert len(found) == text.count('resource "') > 35
    for name, url, digest in found:
        (pin,) = (pin for pin in LOCKED if pin.name == name)
        assert digest in pin.hashes and f"{name}-{pin.version}" in url
    assert not re.search(r"@[A-Z0-9]+@", text), "a place was left open"
    assert f'url "{VALUES["URL"]}"\n  sha256 "{VALUES["SHA256"]}"' in text


def test_what_cannot_be_built_or_is_not_the_locks_is_refused() -> None:
    pin = LOCKED[1]
    for source, why in (
        (None, "has no source"),
        (_source(pin, hashes={"sha256": "f" * 64}), "not the one that the lock"),
        (_source(pin, url='https://files.example/a"#{x}'), "cannot stand"),
    ):
        with pytest.raises(ValueError, match=why):
            _made(_told(**{pin.name: source}))
    with pytest.raises(ValueError, match="url cannot stand"):
        formula.formula(formula.TEMPLATE.read_text(), VALUES | {"URL": 'a"; system "x', "RESOURCES": ""})


def test_ruby_takes_it(tmp_path: Path) -> None:
    if shutil.which("ruby") is None:
        pytest.skip("no ruby here")
    (tmp_path / "skillclaw.rb").write_text(_made(_told()))
    done = subprocess.run(["ruby", "-wc", tmp_path / "skillclaw.rb"], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("Syntax OK\n", "")
