"""The audit: what advisories concern, by OSV's rules, and pip-audit itself on records of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import advisories
import pytest
from audit import sheets
from hypothesis import given
from hypothesis import strategies as st
from lockfiles import pins
from packaging.version import Version

ROOT = Path(__file__).parents[2]
AUDIT = ROOT / "packaging" / "supply" / "audit.py"
TOOLS = ROOT / "build" / "supply" / "bin" / "python"


def _record(name: str, *events: dict[str, str], versions: tuple[str, ...] = ()) -> dict[str, Any]:
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}] if events else []
    package = {"name": name, "ecosystem": "PyPI"}
    return {
        "id": "PYSEC-2099-1",
        "schema_version": "1.6.0",
        "summary": "planted",
        "affected": [{"package": package, "ranges": ranges, "versions": list(versions)}],
    }


@given(st.lists(st.integers(0, 40), min_size=2, max_size=6, unique=True), st.integers(0, 40))
def test_a_range_concerns_what_lies_between_its_events(borders: list[int], asked: int) -> None:
    borders.sort()
    kinds = ["introduced" if index % 2 == 0 else "fixed" for index in range(len(borders))]
    events = [{kind: f"1.{at}"} for kind, at in zip(kinds, borders, strict=True)]
    before = [at for at in borders if at <= asked]
    expected = len(before) % 2 == 1
    for order in (events, events[::-1]):
        assert advisories.concerns(_record("a", *order), "a", f"1.{asked}") is expected


def test_the_ends_of_ranges_listed_versions_and_other_packages() -> None:
    closed = _record("Some_Name", {"introduced": "0"}, {"last_affected": "1.4"})
    assert [advisories.concerns(closed, "some-name", one) for one in ("0.1a1", "1.4", "1.4.1")] == [
        True,
        True,
        False,
    ]
    open_end = _record("a", {"introduced": "2"})
    assert advisories.concerns(open_end, "a", "3000")
    assert not advisories.concerns(open_end, "a", "2rc1")
    assert not advisories.concerns(open_end, "b", "3000")
    assert advisories.concerns(_record("a", versions=("1.0",)), "a", "1.0")
    other = _record("a", {"introduced": "0"})
    other["affected"][0]["package"]["ecosystem"] = "npm"
    assert not advisories.concerns(other, "a", "1")


def test_the_records_of_a_folder_a_zip_and_a_file_are_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    for number, name in enumerate(("aiohttp", "unasked")):
        (folder / f"{number}.json").write_text(json.dumps(_record(name, {"introduced": "0"})))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        for path in folder.iterdir():
            packed.write(path, path.name)
    found = advisories.read(folder, ["aiohttp"])
    assert list(found) == ["aiohttp"]
    assert advisories.read(tmp_path / "all.zip", ["aiohttp"]) == found
    assert advisories.read(folder / "0.json", ["AIOHTTP"]) == found
    (folder / "2.json").write_text("{")
    with pytest.raises(ValueError, match=r"2\.json is no record"):
        advisories.read(folder, ["aiohttp"])
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="no advisories"):
        advisories.read(tmp_path / "none", ["aiohttp"])


def test_a_question_that_is_none_is_refused_and_the_next_is_answered() -> None:
    records = {"a": [_record("a", {"introduced": "1"})]}
    with advisories.answering(records) as url:

        def ask(data: bytes) -> tuple[int, Any]:
            try:
                with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=10) as answer:
                    return answer.status, json.loads(answer.read())
            except urllib.error.HTTPError as error:
                return error.code, None

        assert ask(b"{") == (400, None)
        assert ask(b"[]") == (400, None)
        said = {"package": {"name": "a", "ecosystem": "PyPI"}, "version": "1"}
        assert ask(json.dumps(said).encode())[1]["vulns"][0]["id"] == "PYSEC-2099-1"
        assert ask(json.dumps(said | {"version": "0.9"}).encode()) == (200, {})


@given(st.sets(st.tuples(st.sampled_from("abc"), st.sampled_from("123"))))
def test_no_pin_is_left_out_of_the_questions(pinned: set[tuple[str, str]]) -> None:
    assert {pair for sheet in sheets(pinned) for pair in sheet.items()} == pinned


def test_where_nothing_can_be_asked_it_says_so_and_is_no_success() -> None:
    argv = [sys.executable, str(AUDIT), "--service", "http://127.0.0.1:9/v1/query"]
    for more in ([], ["--reachable"]):
        done = subprocess.run([*argv, *more], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith("NOT AUDITED: ")
        assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not TOOLS.exists(), reason="needs the programs of releases: make build/supply/.ready")
def test_pip_audit_finds_what_is_known_of_a_locked_package(tmp_path: Path) -> None:
    locks = {pin.name: pin for pin in pins((ROOT / "packaging" / "locks" / "client.txt").read_text())}
    version = Version(locks["aiohttp"].version)
    harmless = _record("aiohttp", {"introduced": "0"}, {"fixed": str(version)})
    advice = tmp_path / "advice"
    advice.mkdir()
    (advice / "harmless.json").write_text(json.dumps(harmless))

    def audit() -> subprocess.CompletedProcess[str]:
        argv = [str(TOOLS), str(AUDIT), "--advisories", str(advice)]
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        return subprocess.run(argv, capture_output=True, text=True, timeout=110, check=False, env=environ)

    clean = audit()
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert "nothing is known against them" in clean.stdout
    fix = f"{version.major + 1}.0"
    harmful = _record("aiohttp", {"introduced": "0"}, {"fixed": fix})
    # Only for other Pythons or systems than this one: asked all the same.
    windows = _record("pywin32-ctypes", {"introduced": "0"})
    for name, record in (("harmful", harmful), ("windows", windows)):
        (advice / f"{name}.json").write_text(json.dumps(record))
    found = audit()
    assert found.returncode == 1, found.stdout + found.stderr
    assert f"aiohttp {version} (client, scan): PYSEC-2099-1: fixed in {fix}" in found.stdout
    assert "pywin32-ctypes" in found.stdout
    assert "2 with known vulnerabilities" in found.stdout
