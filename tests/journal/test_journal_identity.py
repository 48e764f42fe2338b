"""The identity: made once, private, never replaced."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from skillclaw.errors import BadInputError, StorageError, UpgradeNeededError
from skillclaw.journal.identity import Identity


def test_made_once_and_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = Identity.load_or_create(home)
    assert re.fullmatch(r"u-[0-9a-f]{8}", made.user)
    assert re.fullmatch(r"c-[0-9a-f]{8}", made.client)
    assert len(made.key) == 32
    assert Identity.load_or_create(home) == made
    if os.name == "posix":
        assert (home / "identity.json").stat().st_mode & 0o777 == 0o600
        assert home.stat().st_mode & 0o777 == 0o700
    assert made.key.hex() not in repr(made)


def test_two_homes_have_nothing_in_common(tmp_path: Path) -> None:
    one, other = Identity.load_or_create(tmp_path / "a"), Identity.load_or_create(tmp_path / "b")
    assert one.user != other.user
    assert one.key != other.key


def test_processes_at_once_get_one_identity(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from skillclaw.journal.identity import Identity;"
        "sys.stdin.readline(); i = Identity.load_or_create(Path(sys.argv[1]));"
        "print(i.user, i.client, i.key.hex())"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(5)
    ]
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    seen = {one.communicate(timeout=30)[0] for one in running}
    assert len(seen) == 1
    assert seen.pop().startswith("u-")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"user": "u-1"}', b'{"user":"u-1","client":"c-1","key":"eA=="}', b"\xff"]
)
def test_a_damaged_file_is_told_and_never_replaced(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "identity.json"
    path.write_bytes(body)
    with pytest.raises(BadInputError) as caught:
        Identity.load_or_create(tmp_path)
    assert "identity" in caught.value.what
    assert caught.value.todo
    assert path.read_bytes() == body


def test_a_newer_format_is_left(tmp_path: Path) -> None:
    path = tmp_path / "identity.json"
    path.write_text('{"user":"u-1","client":"c-1","key":"' + "A" * 43 + '=","v":2}', encoding="utf-8")
    with pytest.raises(UpgradeNeededError):
        Identity.load_or_create(tmp_path)


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StorageError) as caught:
        Identity.load_or_create(tmp_path / "file" / "home")
    assert caught.value.todo
