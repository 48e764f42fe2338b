"""Bundles: version, packing, and what unpacking refuses."""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
import unicodedata

import pytest
import zstandard
from examples import examples
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from skillclaw.errors import BadInputError
from skillclaw.skills.bundle import (
    MAX_BYTES,
    MAX_FILES,
    check_files,
    check_name,
    check_path,
    pack,
    unpack,
    version,
)
from skillclaw.skills.diff import unified
from skillclaw.skills.records import Bundle, File

PATH = st.lists(
    st.text(
        st.characters(codec="utf-8", categories=["L", "N"], include_characters="-_. +'"),
        min_size=1,
        max_size=8,
    ),
    min_size=1,
    max_size=3,
).map(lambda parts: unicodedata.normalize("NFC", "/".join(parts)))


def usable(files: list[File]) -> bool:
    try:
        check_files(files)
    except BadInputError:
        return False
    return True


FILES = st.lists(
    st.builds(File, path=PATH, data=st.binary(max_size=300), executable=st.booleans()), max_size=6
).filter(usable)


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return zstandard.compress(buffer.getvalue())


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(FILES)
def test_what_is_packed_comes_out_again(files: list[File]) -> None:
    bundle = Bundle(name="a-skill", files=sorted(files, key=lambda f: f.path.encode()))
    data = pack(bundle)
    assert unpack(data, "a-skill") == bundle
    shuffled = Bundle(name="a-skill", files=list(reversed(files)))
    assert pack(shuffled) == data
    assert version(shuffled) == version(bundle)


def test_the_version_is_the_hash_that_the_format_describes() -> None:
    files = [
        File(path="scripts/run.sh", data=b"#!/bin/sh\n", executable=True),
        File(path="SKILL.md", data=b"hi"),
    ]
    lines = b"".join(
        path + b"\0" + mark + b"\0" + hashlib.sha256(data).hexdigest().encode() + b"\n"
        for path, mark, data in [(b"SKILL.md", b"-", b"hi"), (b"scripts/run.sh", b"x", b"#!/bin/sh\n")]
    )
    assert version(Bundle(name="x", files=files)) == hashlib.sha256(lines).hexdigest()


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(FILES, FILES)
def test_versions_differ_where_bundles_do(one: list[File], other: list[File]) -> None:
    assume(sorted(one, key=lambda f: f.path) != sorted(other, key=lambda f: f.path))
    assert version(Bundle(name="x", files=one)) != version(Bundle(name="x", files=other))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../SKILL.md",
        "a/../../b",
        "a//b",
        "./a",
        "a/.",
        "C:/x",
        "a\\b",
        "a:stream",
        "con",
        "scripts/NUL.txt",
        "com1",
        "LPT¹.md",
        "a.",
        "a /b",
        "a\nb",
        "a\u202eb",
        "a\u200bb",
        "e\u0301.md",
        "\ud800",
        "x" * 201,
        ".skillclaw-tmp-1/x",
        "what?",
    ],
)
def test_a_path_that_some_system_reads_otherwise_is_refused(path: str) -> None:
    with pytest.raises(BadInputError):
        check_path(path)


@pytest.mark.parametrize(
    "path", ["SKILL.md", "references/a b.md", "scripts/.env.example", "é/ü.md", "console"]
)
def test_ordinary_paths_are_taken(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize("name", ["", "A", "a--b", "-a", "a_b", "a/b", "..", "nul", "x" * 65, "a\n"])
def test_a_name_that_is_no_skill_name_is_refused(name: str) -> None:
    with pytest.raises(BadInputError):
        check_name(name)


@pytest.mark.parametrize(
    "paths",
    [["a", "a"], ["SKILL.md", "skill.md"], ["a", "a/b"], ["a/b", "a"], ["D/a", "d/b"], ["straße", "STRASSE"]],
)
def test_colliding_paths_are_refused(paths: list[str]) -> None:
    files = [File(path=path, data=b"") for path in paths]
    with pytest.raises(BadInputError):
        pack(Bundle(name="x", files=files))
    with pytest.raises(BadInputError):
        unpack(tar(*[(member(path), b"") for path in paths]), "x")


@pytest.mark.parametrize(
    "bad",
    [
        member("/abs"),
        member("../up"),
        member("ok", tarfile.SYMTYPE, "/etc/passwd"),
        member("ok", tarfile.LNKTYPE, "SKILL.md"),
        member("dev", tarfile.CHRTYPE),
        member("fifo", tarfile.FIFOTYPE),
        member("folder", tarfile.DIRTYPE),
    ],
    ids=lambda info: f"{info.name}-{info.type!r}",
)
def test_members_that_are_not_plain_files_inside_are_refused(bad: tarfile.TarInfo) -> None:
    with pytest.raises(BadInputError):
        unpack(tar((member("SKILL.md"), b"x"), (bad, b"")), "x")


def test_a_sparse_member_that_claims_gigabytes_is_refused() -> None:
    info = member("big")
    info.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(8 * 2**30), "GNU.sparse.name": "big"}
    with pytest.raises(BadInputError):
        unpack(tar((info, b"x")), "x")


def test_too_many_files_and_too_many_bytes_are_refused() -> None:
    many = [(member(f"f{i}"), b"") for i in range(MAX_FILES + 1)]
    with pytest.raises(BadInputError, match="too many"):
        unpack(tar(*many), "x")
    with pytest.raises(BadInputError, match="too large"):
        unpack(zstandard.compress(bytes(4 * MAX_BYTES)), "x")
    with pytest.raises(BadInputError, match="too large"):
        pack(Bundle(name="x", files=[File(path="a", data=bytes(MAX_BYTES + 1))]))


def header(kind: bytes, text: bytes) -> bytes:
    info = member("a", kind)
    info.size = len(text)
    return info.tobuf(tarfile.USTAR_FORMAT) + text + bytes(-len(text) % 512)


@pytest.mark.parametrize(
    "raw",
    [
        header(tarfile.XHDTYPE, b"9 path=a\n") * 3000,
        header(tarfile.XGLTYPE, b"9 path=a\n") * 3000,
        header(tarfile.GNUTYPE_LONGNAME, b"a\0") * 3000,
        header(tarfile.XHDTYPE, b"1" * 300_000),
        header(tarfile.XHDTYPE, b"15 size=100000\n"),
        header(tarfile.XHDTYPE, b"22 hdrcharset=BINARY\n9 path=a\n"),
        header(tarfile.XHDTYPE, b"0 path=a\n"),
        header(tarfile.XHDTYPE, b"99 path=a\n"),
        header(tarfile.XHDTYPE, b"10 path=\xff\n"),
    ],
    ids=["chain", "global", "gnu", "digits", "size", "charset", "zero", "long", "utf-8"],
)
def test_headers_of_headers_end_at_once(raw: bytes) -> None:
    """The chains ended in a RecursionError; the digits took more than two minutes, and more of them days."""
    began = time.process_time()
    with pytest.raises(BadInputError, match="cannot be read"):
        unpack(zstandard.compress(raw + header(tarfile.REGTYPE, b"x") + bytes(1024)), "x")
    assert time.process_time() - began < 2


def test_a_bundle_that_is_cut_off_anywhere_is_refused() -> None:
    long = "references/" + "ä" * 100
    good = pack(Bundle(name="x", files=[File(path="SKILL.md", data=b"text"), File(path=long, data=b"t")]))
    raw = zstandard.decompress(good)
    assert [file.path for file in unpack(good, "x").files] == ["SKILL.md", long]
    end = len(raw.rstrip(b"\0")) + -len(raw.rstrip(b"\0")) % 512
    for cut in range(0, end + 1, 64):
        with pytest.raises(BadInputError):
            unpack(zstandard.compress(raw[:cut]), "x")


@settings(max_examples=examples(300), deadline=None)
@given(st.data())
def test_garbage_is_refused_and_never_crashes(data: st.DataObject) -> None:
    good = pack(Bundle(name="x", files=[File(path="SKILL.md", data=b"text" * 50)]))
    raw = bytearray(zstandard.decompress(good))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, 1023))] = data.draw(st.integers(0, 255))
    for blob in (data.draw(st.binary(max_size=200)), zstandard.compress(bytes(raw)), good[: len(good) // 2]):
        try:
            found = unpack(blob, "x")
        except BadInputError:
            continue
        check_files(found.files)


def test_a_diff_shows_text_modes_and_what_came_and_went() -> None:
    old = Bundle(
        name="x",
        files=[
            File(path="SKILL.md", data=b"one\ntwo\n"),
            File(path="logo.png", data=b"\0\1"),
            File(path="run.sh", data=b"a"),
        ],
    )
    new = Bundle(
        name="x",
        files=[
            File(path="SKILL.md", data=b"one\n2\n"),
            File(path="logo.png", data=b"\0\2"),
            File(path="run.sh", data=b"a", executable=True),
            File(path="empty", data=b""),
        ],
    )
    text = unified(old, new)
    assert "-two" in text
    assert "+2" in text
    assert "binary file logo.png differs" in text
    assert "mode of run.sh: executable now" in text
    assert "+++ b/empty" in text
    assert unified(new, new) == ""
    assert "No newline at end of file" in unified(Bundle(name="x", files=[]), old)
