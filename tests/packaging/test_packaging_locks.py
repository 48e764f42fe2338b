"""The lock files: they hold for what pyproject.toml says now, and whatever does not hold is told."""

from __future__ import annotations

import importlib.metadata
import sys
import tomllib
from pathlib import Path
from typing import Any

import lockfiles
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return {path.stem: path.read_text() for path in (ROOT / "packaging" / "locks").glob("*.txt")}


def test_the_lock_holds_for_what_is_asked_on_every_system(
    project: dict[str, Any], files: dict[str, str]
) -> None:
    assert list(lockfiles.faults(project, files)) == []
    assert set(files) == set(lockfiles.extras(project))
    assert all("://" not in text and "file:" not in text for text in files.values())


def test_each_digest_is_whole_and_each_package_has_some(files: dict[str, str]) -> None:
    for name, text in files.items():
        found = lockfiles.pins(text)
        assert found, name
        assert all(pin.hashes for pin in found), name
        assert sum(len(pin.hashes) for pin in found) == text.count("--hash=sha256:"), name


def test_what_installed_packages_need_is_in_the_lock(project: dict[str, Any], files: dict[str, str]) -> None:
    """By the metadata of the packages themselves, for those that are installed here at the locked version."""
    looked = 0
    for name, text in files.items():
        inside = lockfiles.pins(text) + (lockfiles.pins(files["client"]) if "-r client.txt\n" in text else [])
        there = {pin.name for pin in inside}
        for pin in inside:
            try:
                if importlib.metadata.version(pin.name) != pin.version:
                    continue
            except importlib.metadata.PackageNotFoundError:
                continue
            looked += 1
            for said in importlib.metadata.requires(pin.name) or []:
                needs = Requirement(said)
                if needs.marker is None or needs.marker.evaluate({"extra": ""}):
                    assert canonicalize_name(needs.name) in there, f"{name}.txt: {pin.name} needs {said}"
    assert looked or sys.version_info < (3, 11)


def _spoilt(files: dict[str, str], name: str, old: str, new: str) -> dict[str, str]:
    assert old in files[name]
    return files | {name: files[name].replace(old, new, 1)}


def _block(files: dict[str, str], name: str, package: str) -> lockfiles.Pin:
    return next(pin for pin in lockfiles.pins(files[name]) if pin.name == package)


def test_a_requirement_that_changed_is_told(project: dict[str, Any], files: dict[str, str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project["project"]["dependencies"].append("msgspec>=99")
    told = "\n".join(lockfiles.faults(project, files))
    assert "client.txt is not made from what pyproject.toml says now" in told
    assert "client.txt: nothing for msgspec>=99 on Python 3.12, win32" in told


def test_what_is_missing_from_a_lock_is_told(project: dict[str, Any], files: dict[str, str]) -> None:
    aiohttp = _block(files, "client", "aiohttp")
    gone = _spoilt(files, "client", aiohttp.text, "")
    told = "\n".join(lockfiles.faults(project, gone))
    assert "client.txt: nothing for aiohttp" in told
    assert "is there for aiohttp" in told, "what only it needs is there for nothing"
    signal = _block(files, "fast", "uvloop")
    elsewhere = _spoilt(
        files, "fast", signal.text.split("\n")[0], "uvloop==0.23.0 ; sys_platform == 'win32' \\"
    )
    assert "nothing for uvloop" in "\n".join(lockfiles.faults(project, elsewhere))
    assert "web.txt is missing" in list(
        lockfiles.faults(project, {k: v for k, v in files.items() if k != "web"})
    )
    assert any("nothing in pyproject" in one for one in lockfiles.faults(project, files | {"old": ""}))


def test_a_package_without_digest_address_or_with_two_versions_is_told(
    project: dict[str, Any], files: dict[str, str]
) -> None:
    aiohttp = _block(files, "client", "aiohttp")
    bare = f"{aiohttp.text.splitlines()[0].rstrip(' ')}\n    # via skillclaw (pyproject.toml)\n".replace(
        " \\", ""
    )
    unhashed = _spoilt(files, "client", aiohttp.text, bare)
    assert "client.txt: aiohttp has no digest" in list(lockfiles.faults(project, unhashed))
    twice = _spoilt(
        files, "web", "-r client.txt\n", "-r client.txt\n" + aiohttp.text.replace("==3.", "==9.", 1)
    )
    assert any("aiohttp has two versions" in one for one in lockfiles.faults(project, twice))
    for line in (
        "--index-url x\n",
        "--extra-index-url=a\n",
        "-e .\n",
        "# see https://a.example\n",
        "/a/b.whl\n",
    ):
        try:
            told = list(lockfiles.faults(project, files | {"web": files["web"] + line}))
        except ValueError:
            continue  # not a line of a lock file at all
        assert "web.txt has an address, a path or an option" in told, line


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 63, "md5:" + "0" * 32, "sha256:" + "0" * 65])
def test_a_digest_that_is_none_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="not a pinned package"):
        lockfiles.pins(f"a==1 \\\n    --hash={digest}\n    # via b\n")
    with pytest.raises(ValueError, match="not a pinned package"):
        lockfiles.pins(f"a>=1 \\\n    --hash=sha256:{'0' * 64}\n")
