"""`make dist`: the sdist and the wheel of the last commit, the same bytes wherever they are built.

Built from what is committed, in a folder of its own: nothing that merely lies in the tree gets in. The wheel
is built from the sdist. Times are SOURCE_DATE_EPOCH, or the commit's; hatchling writes order, owners and
modes by rule, at the version that `packaging/locks/build.txt` pins. Then the contents are held against the
commit, the metadata are looked at by twine, and `SHA256SUMS` is written beside them.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

__all__ = ["epoch", "faults_of_sdist", "faults_of_wheel"]

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "src/skillclaw/"
IN_SDIST = (
    *("src/", "packaging/", "CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md"),
    *("pyproject.toml", ".gitignore"),
)
SHARED = {"packaging/man/skillclaw.1": "share/man/man1/skillclaw.1"}
"""What else the wheel installs, and where (pyproject.toml)."""
DIST_INFO = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
_UNWANTED = re.compile(
    r"(^|/)(tests?|__pycache__|\.[a-z]+_cache|\.env|\.venv|\.git|id_rsa|id_ed25519)(/|$)|\.(pyc|pem|key|p12|sqlite|db)$"
)


def main() -> int:
    """0 when both are built and hold what they should; 1 with what is wrong in words."""
    given = argparse.ArgumentParser(description="Build the sdist and the wheel of a commit.")
    given.add_argument("--out", type=Path, default=ROOT / "dist")
    given.add_argument("--commit", default="HEAD")
    args = given.parse_args()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    for old in [*out.glob("skillclaw-*.whl"), *out.glob("skillclaw-*.tar.gz")]:
        old.unlink()
    if _git("status", "--porcelain").strip():
        sys.stderr.write(
            f"The tree has changes that are not committed; {args.commit} is built, without them.\n"
        )
    environ = os.environ | {"SOURCE_DATE_EPOCH": str(epoch(args.commit))}
    with tempfile.TemporaryDirectory() as scratch:
        tree, unpacked = Path(scratch) / "tree", Path(scratch) / "unpacked"
        _unpack(io.BytesIO(_git_bytes("archive", "--format=tar", args.commit)), tree)
        _build("sdist", tree, out, environ)
        (sdist,) = out.glob("skillclaw-*.tar.gz")
        _unpack(io.BytesIO(sdist.read_bytes()), unpacked)
        (top,) = unpacked.iterdir()
        _build("wheel", top, out, environ)
    (wheel,) = out.glob("skillclaw-*.whl")
    committed = _git("ls-tree", "-r", "--name-only", "-z", args.commit).split("\0")[:-1]
    wrong = [*faults_of_wheel(wheel, committed), *faults_of_sdist(sdist, committed)]
    judged = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", str(sdist), str(wheel)],
        capture_output=True,
        text=True,
        check=False,
    )
    if judged.returncode:
        wrong.append(f"twine: {judged.stdout}{judged.stderr}")
    for fault in wrong:
        sys.stderr.write(fault + "\n")
    sums = [f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in (sdist, wheel)]
    (out / "SHA256SUMS").write_text("".join(sums))
    for one in (sdist, wheel):
        sys.stdout.write(f"{one.name}: {one.stat().st_size / 1e6:.2f} MB\n")
    return bool(wrong)


def epoch(commit: str = "HEAD") -> int:
    """SOURCE_DATE_EPOCH where it is set, else the commit's time; seconds since 1970."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    return int(said) if said else int(_git("log", "-1", "--format=%ct", commit))


def faults_of_wheel(wheel: Path, committed: Iterable[str]) -> Iterable[str]:
    """What the wheel lacks of the commit's package, or has besides it."""
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    release = "-".join(wheel.name.split("-")[:2])
    wanted = {f"{release}.dist-info/{name}" for name in DIST_INFO}
    for name in committed:
        if name.startswith(PACKAGE):
            wanted.add(name.removeprefix("src/"))
        elif name in SHARED:
            wanted.add(f"{release}.data/data/{SHARED[name]}")
    yield from _compared(wheel.name, names, wanted)


def faults_of_sdist(sdist: Path, committed: Iterable[str]) -> Iterable[str]:
    """What the sdist lacks of the commit, or has besides it."""
    with tarfile.open(sdist) as packed:
        names = [one.name for one in packed.getmembers() if not one.isdir()]
        for one in packed.getmembers():
            if not (one.isfile() or one.isdir()):
                yield f"{sdist.name}: {one.name} is a link or a device"
    top = sdist.name.removesuffix(".tar.gz") + "/"
    wanted = {top + name for name in committed if name.startswith(IN_SDIST)} | {top + "PKG-INFO"}
    yield from _compared(sdist.name, names, wanted)


def _compared(what: str, names: list[str], wanted: set[str]) -> Iterable[str]:
    for name in sorted(wanted - set(names)):
        yield f"{what} lacks {name}"
    for name in sorted(set(names) - wanted):
        yield f"{what} has {name}, which is not committed or not meant for it"
    for name in names:
        if _UNWANTED.search(name):
            yield f"{what} has {name}"
    if len(names) != len(set(names)):
        yield f"{what} has a name twice"


def _build(kind: str, tree: Path, out: Path, environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)],
        cwd=tree,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"hatchling could not build the {kind}: {done.stdout}{done.stderr}")


def _unpack(packed: io.BytesIO, folder: Path) -> None:
    with tarfile.open(fileobj=packed) as archive:
        archive.extractall(folder, filter="data")


def _git(*argv: str) -> str:
    return _git_bytes(*argv).decode()


def _git_bytes(*argv: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *argv], capture_output=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
