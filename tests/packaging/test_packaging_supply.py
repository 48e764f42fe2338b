"""A release: the same bytes wherever it is built, a bill of materials, an install that checks digests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUPPLY = ROOT / "packaging" / "supply"
LOCKS = ROOT / "packaging" / "locks"
TOOLS = ROOT / "build" / "supply" / "bin"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not TOOLS.exists(), reason="needs make build/supply/.ready"),
]


def _run(*argv: object, umask: int = -1, **environ: str) -> subprocess.CompletedProcess[str]:
    said = [str(one) for one in argv]
    return subprocess.run(
        said, env=os.environ | environ, umask=umask, capture_output=True, text=True, timeout=300, check=False
    )


def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    """In two clones at other places, with another umask, time zone, language and home; one with files not
    committed."""
    made = []
    for name, umask, zone, language in (
        ("a", 0o022, "UTC", "C.UTF-8"),
        ("deep/er/b", 0o077, "Asia/Tokyo", "C"),
    ):
        clone, home = tmp_path / name / "clone", tmp_path / name / "home"
        home.mkdir(parents=True)
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True, umask=umask)
        if umask == 0o077:
            (clone / "src" / "skillclaw" / "secret.pem").write_text("not committed")
            (clone / "src" / "skillclaw" / "hub" / "stray.py").write_text("")
        built = _run(
            *(TOOLS / "python", clone / "packaging" / "supply" / "dist.py"),
            umask=umask,
            TZ=zone,
            LC_ALL=language,
            HOME=str(home),
        )
        assert built.returncode == 0, built.stdout + built.stderr
        made.append({one.name: one.read_bytes() for one in (clone / "dist").iterdir()})
    assert made[0] == made[1]
    assert len(made[0]) == 3


def test_the_client_from_the_lock_runs_and_says_which_extra_is_missing(tmp_path: Path) -> None:
    """pip, with digests, nothing but the lock; then SkillClaw without dependencies."""
    room = tmp_path / "room"
    subprocess.run([sys.executable, "-m", "venv", str(room)], check=True)
    pip = (room / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    done = _run(*pip, "--require-hashes", "-r", LOCKS / "client.txt")
    assert done.returncode == 0, done.stderr
    dist = _run(TOOLS / "python", SUPPLY / "dist.py", "--out", tmp_path / "dist")
    assert dist.returncode == 0, dist.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert _run(*pip, "--no-deps", "--no-index", wheel).returncode == 0
    assert _run(room / "bin" / "python", "-m", "pip", "check").returncode == 0
    home = {"SKILLCLAW_HOME": str(tmp_path / "home"), "HOME": str(tmp_path / "user"), "PYTHONPATH": ""}
    (tmp_path / "user").mkdir()
    for command in ("--version", "status", "import", "sessions list --json", "skills list", "doctor --help"):
        done = _run(room / "bin" / "skillclaw", *command.split(), **home)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    bucket = "hub init s3://team/hub --name team"
    for command, extra in (
        ("serve", "serve"),
        ("dashboard", "web"),
        ("evolve", "evolve"),
        (bucket, "clouds"),
    ):
        done = _run(room / "bin" / "skillclaw", *command.split(), **home)
        assert done.returncode != 0, command
        # What was installed from a file is completed from it.
        assert f"pip install '{wheel}[{extra}]'" in done.stderr, f"{command}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
    measured = _run(room / "bin" / "skillclaw", "bench", "start", "--rounds", "1", "--json", **home)
    size = json.loads(measured.stdout)["size"]
    assert size["bytes"] <= size["bar_bytes"] == 60_000_000, size["packages"][:8]


def test_a_changed_digest_is_refused(tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    shutil.copytree(LOCKS, locks)
    gepa = locks / "gepa.txt"
    lines = [
        line
        if "--hash" not in line
        else line.split("sha256:")[0] + "sha256:" + "0" * 64 + line.split("sha256:")[1][64:]
        for line in gepa.read_text().splitlines()
        if not line.startswith("-r")
    ]
    gepa.write_text("\n".join(lines) + "\n")
    done = _run(sys.executable, "-m", "pip", "download", "-q", "-d", tmp_path, "--require-hashes", "-r", gepa)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr


def test_bills_of_materials_are_whole_and_the_same_each_time(tmp_path: Path) -> None:
    bills = []
    for name in ("one", "two"):
        done = _run(TOOLS / "python", SUPPLY / "sbom.py", "--out", tmp_path / name, "client", TZ="Asia/Tokyo")
        assert done.returncode == 0, done.stderr
        bills.append((tmp_path / name / "sbom-client.json").read_text())
    assert bills[0] == bills[1]
    bill = json.loads(bills[0])
    names = {one["name"].lower() for one in bill["components"]}
    assert {"aiohttp", "pynacl", "msgspec"} <= names
    assert not {"pip", "setuptools", "numpy", "jinja2"} & names
    assert all(one["purl"] and one["licenses"] for one in bill["components"])
    (root,) = (one for one in bill["dependencies"] if one["ref"] == "root-component")
    assert any(ref.startswith("aiohttp==") for ref in root["dependsOn"])
    assert not any(ref.startswith("h11==") for ref in root["dependsOn"]), "wsproto needs it, not we"
    for text in (str(tmp_path), str(ROOT), str(Path.home()) + "/", "file:"):
        assert text not in bills[0], text
