"""A package of the name and version that a lock file pins, with other bytes: no lock of ours takes it."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e
LOCK = Path(__file__).parents[2] / "packaging" / "locks" / "gepa.txt"
"""An extra of one package, which needs no other."""


def wheel(folder: Path, name: str, version: str) -> Path:
    """A package that anybody could put into a registry, a mirror or a cache."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}/__init__.py", "raise SystemExit('of somebody else')\n")
        file.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{about}/RECORD", "")
    return path


def taken(lock: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-index", "--no-cache-dir", "--no-deps"]
    where = ["--find-links", folder, "-d", folder / "taken", "--require-hashes", "-r", lock]
    return subprocess.run(
        [str(one) for one in (*pip, *where)], capture_output=True, text=True, timeout=100, check=False
    )


def test_a_package_with_other_bytes_is_refused(tmp_path: Path) -> None:
    text = "\n".join(line for line in LOCK.read_text("utf-8").splitlines() if not line.startswith("-r "))
    pinned = re.search(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)
    assert pinned, text
    put = wheel(tmp_path, pinned[1], pinned[2])
    lock = tmp_path / "lock.txt"
    lock.write_text(text + "\n", "utf-8")
    done = taken(lock, tmp_path)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr, done.stderr
    own = hashlib.sha256(put.read_bytes()).hexdigest()
    lock.write_text(re.sub(r"sha256:[0-9a-f]{64}( |$)", rf"sha256:{own}\1", text, flags=re.M) + "\n", "utf-8")
    done = taken(lock, tmp_path)
    assert done.returncode == 0, done.stderr  # so it was the digest, and nothing else
