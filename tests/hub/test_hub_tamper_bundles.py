"""Hostile objects behind well signed releases: refused with a reason, and nothing is written outside."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from attacks import files_below, member, release, skill, tar
from hub_logs import opened
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.errors import BadInputError
from skillclaw.library import Library
from skillclaw.library.choose import HubView
from skillclaw.skills.bundle import MAX_BYTES, check_path, unpack

MAIN = (member("SKILL.md"), b"---\nname: evil\ndescription: d\n---\n\n# E\n")


def named(name: str) -> bytes:
    return tar([MAIN, (member(name), b"x")])


def in_pax(name: str) -> bytes:
    """A harmless name in the header, another in the extended header before it."""
    info = member("harmless.md")
    info.pax_headers = {"path": name}
    return tar([MAIN, (info, b"x")])


def old_style(name: str, format_: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format_) as archive:
        info = member(name)
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    return zstandard.compress(out.getvalue())


def frames(of: int, count: int) -> bytes:
    """Frames of `of` zeros each, one behind the other: a few kilobytes."""
    return zstandard.compress(bytes(of)) * count


def claims(size: int) -> bytes:
    """A frame whose header claims `size` bytes, and holds none."""
    return b"\x28\xb5\x2f\xfd\xe0" + size.to_bytes(8, "little") + b"\x01\x00\x00"


def wide_window() -> bytes:
    params = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=params).compressobj()
    return packer.compress(os.urandom(2**10)) + packer.flush()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "up": lambda: named("../escaped"),
    "far up": lambda: named("a/" + "../" * 60 + "tmp/escaped"),
    "absolute": lambda: named("/escaped"),
    "drive": lambda: named("C:/escaped"),
    "drive without a slash": lambda: named("c:escaped"),
    "network": lambda: named("//host/share/escaped"),
    "network, backslashes": lambda: named("\\\\host\\share\\escaped"),
    "device path": lambda: named("\\\\.\\PhysicalDrive0"),
    "device": lambda: named("refs/NUL.md"),
    "console": lambda: named("CONIN$"),
    "full-width device": lambda: named("\uff23\uff2f\uff2e.md"),
    "circled device": lambda: named("\u24d0\u24e4\u24e7"),
    "stream": lambda: named("SKILL.md:hidden"),
    "full-width slash": lambda: named("..\uff0fescaped"),
    "division slash": lambda: named("..\u2215escaped"),
    "full-width backslash": lambda: named("..\uff3cescaped"),
    "full-width dots": lambda: named("\uff0e\uff0e/escaped"),
    "two-dot leader": lambda: named("\u2025/escaped"),
    "one-dot leaders": lambda: named("\u2024\u2024/escaped"),
    "turned text": lambda: named("a\u202edm.exe"),
    "nothing wide": lambda: named("..\u200b/escaped"),
    "half a pair": lambda: old_style("a\udc80b", tarfile.GNU_FORMAT),
    "own temporary": lambda: named("\uff0eskillclaw-tmp-1/x"),
    "pax up": lambda: in_pax("../../escaped"),
    "pax absolute": lambda: in_pax("/escaped"),
    "pax NUL": lambda: in_pax("a\x00b"),
    "gnu long up": lambda: old_style("../" * 50 + "escaped", tarfile.GNU_FORMAT),
    "ustar prefix up": lambda: old_style("../" * 40 + "escaped", tarfile.USTAR_FORMAT),
    "link": lambda: tar([MAIN, (member("a", type=tarfile.SYMTYPE, linkname="../../.."), b"")]),
    "link, then through it": lambda: tar(
        [MAIN, (member("a", type=tarfile.SYMTYPE, linkname="/tmp"), b""), (member("a/escaped"), b"x")]
    ),
    "hard link": lambda: tar([MAIN, (member("a", type=tarfile.LNKTYPE, linkname="/etc/passwd"), b"")]),
    "block device": lambda: tar([MAIN, (member("a", type=tarfile.BLKTYPE), b"")]),
    "contiguous": lambda: tar([MAIN, (member("a", type=tarfile.CONTTYPE), b"x")]),
    "unknown type": lambda: tar([MAIN, (member("a", type=b"Z"), b"x")]),
    "case twins": lambda: tar([MAIN, (member("skill.MD"), b"x")]),
    "twins by folding": lambda: tar([MAIN, (member("\u017fub"), b"1"), (member("sub"), b"2")]),
    "twins by letters": lambda: tar([MAIN, (member("stra\u00dfe"), b"1"), (member("STRASSE"), b"2")]),
    "file and folder": lambda: tar([MAIN, (member("SKILL.md/x"), b"1")]),
    "bomb": lambda: frames(MAX_BYTES * 4, 1),
    "bomb of frames": lambda: frames(MAX_BYTES * 4, 50),
    "bomb in a member": lambda: tar([MAIN, (member("zeros"), bytes(MAX_BYTES * 3))]),
    "bomb of names": lambda: tar([MAIN, *((member(f"n/{n}"), b"") for n in range(3000))]),
    "bomb of headers": lambda: in_pax("x/" * 2_000_000),
    "bomb of bombs": lambda: zstandard.compress(frames(MAX_BYTES, 9)),
    "claims 16 EiB": lambda: claims(2**64 - 2),
    "claims 1 TiB": lambda: claims(2**40),
    "window of 256 MiB": wide_window,
    "zip": lambda: b"PK\x03\x04" + bytes(200),
    "gzip": lambda: b"\x1f\x8b\x08" + bytes(200),
    "empty": lambda: b"",
    "cut off": lambda: tar([MAIN])[:-9],
}


def test_nothing_hostile_is_installed_or_written_anywhere(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    good = skill("- Run `git status`.")
    release(hub, good)
    for number, raw in enumerate(HOSTILE.values()):
        release(hub, skill("", f"evil-{number}"), raw())
    agents = tmp_path / "user" / ".agents" / "skills"
    agents.mkdir(parents=True)
    library = Library(tmp_path / "user" / "home", [agents])
    own = ("user/home/", "me/", "hub/")
    before = {name for name in files_below(tmp_path) if not name.startswith(own)}
    report = library.sync(
        [HubView(name="personal", state=hub.state(), fetch=hub.get_bundle)], lambda bundle: []
    )
    after = {name for name in files_below(tmp_path) if not name.startswith(own)}
    assert after - before == {"user/.agents/skills/git-help/SKILL.md"}
    told = {change.skill: change for change in report.changes}
    for number, what in enumerate(HOSTILE):
        change = told[f"evil-{number}"]
        assert change.action == "failed", what
        assert change.detail, what
        # each is refused for what it is, not because the claimed version is wrong, too
        assert "version does not match" not in change.detail, what
    assert not [path for path in tmp_path.rglob("*") if "escaped" in path.name]
    assert [path.name for path in agents.iterdir()] == ["git-help"]


CHILD = """
import resource, sys
from skillclaw.errors import BadInputError
from skillclaw.skills.bundle import unpack
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    unpack(sys.stdin.buffer.read(), "evil")
except BadInputError as error:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, error.what)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs the peak of memory in KiB")
def test_a_bomb_of_gigabytes_takes_no_more_than_a_large_bundle() -> None:
    bomb = frames(2**28, 40)
    assert len(bomb) < 2**20
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=bomb, capture_output=True, timeout=60, check=True
    )
    size, said = done.stdout.decode().split(" ", 1)
    assert "too large" in said
    assert int(size) < 200


PARTS = st.sampled_from(
    [
        "..",
        ".",
        "",
        "a",
        "SKILL.md",
        "\\",
        "C:",
        "con",
        "\uff0e",
        "\uff0f",
        "\u2025",
        "\u200b",
        "~",
        "NUL",
        "\x00",
        " ",
        "$HOME",
    ]
)


@given(st.lists(PARTS, min_size=1, max_size=6), st.sampled_from(["/", "", "\\", "\u2215"]))
def test_what_a_path_may_be_stays_below_its_folder(parts: list[str], between: str) -> None:
    path = between.join(parts)
    try:
        check_path(path)
    except BadInputError:
        return
    below = Path("/skills/name")
    assert Path(os.path.normpath(below / path)).is_relative_to(below)
    assert os.path.normpath(path) == path
    assert [file.path for file in unpack(tar([(member(path), b"x")]), "evil").files] == [path]
