"""A disk without any room: what was written into agents' settings can be taken back all the same."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from agents_material import make_env
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.agents import Env, adapters, connected, edits, wiring
from skillclaw.agents.records import FileEdit
from skillclaw.errors import StorageError

URL = "http://127.0.0.1:8787/claude-code"
MINE = b'{\n  "model":   "opus",\n  "env": {"A": "b"} }\n\n'
ADAPTER = adapters()["claude-code"]


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def settings(env: Env) -> Path:
    path = env.home / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_bytes(MINE)
    path.chmod(0o640)
    return path


def fill(monkeypatch: pytest.MonkeyPatch, number: int = errno.ENOSPC) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "mkstemp", full)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_settings_come_back_without_any_room(
    tmp_path: Path, env: Env, settings: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "skillclaw"
    wiring.connect(home, env, ADAPTER, URL)
    assert URL.encode() in settings.read_bytes()
    fill(monkeypatch, number)
    assert wiring.disconnect(home, env, ADAPTER).changed
    assert settings.read_bytes() == MINE
    assert settings.stat().st_mode & 0o777 == 0o640
    assert connected(home) == []
    with pytest.raises(StorageError):  # nothing new is written over what is there
        wiring.connect(home, env, ADAPTER, URL)
    assert settings.read_bytes() == MINE


def test_other_failures_write_over_nothing(
    tmp_path: Path, env: Env, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "skillclaw"
    wiring.connect(home, env, ADAPTER, URL)
    wired = settings.read_bytes()
    fill(monkeypatch, errno.EIO)
    with pytest.raises(StorageError):
        wiring.disconnect(home, env, ADAPTER)
    assert settings.read_bytes() == wired
    assert connected(home) == ["claude-code"]


def test_an_edit_that_fails_midway_is_taken_back_without_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for path in (one, two):
        path.write_bytes(b"before")
    real, left = tempfile.mkstemp, [None]

    def once(*args: Any, **kwargs: Any) -> Any:
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left.pop()
        return real(*args, **kwargs)

    monkeypatch.setattr(tempfile, "mkstemp", once)
    with pytest.raises(StorageError):
        edits.apply([FileEdit(path=path, before=b"before", after=b"after it all") for path in (one, two)])
    assert (one.read_bytes(), two.read_bytes()) == (b"before", b"before")


@given(before=st.binary(max_size=60), after=st.binary(max_size=60))
def test_what_is_written_over_is_whole(before: bytes, after: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "f"
        path.write_bytes(before)
        done = edits._overwritten(path, after)
        assert done or len(after) > len(before)
        assert path.read_bytes() == (after if done else before)


def test_what_needs_more_room_than_the_file_has_is_told_and_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"short")
    fill(monkeypatch)
    with pytest.raises(StorageError, match="Cannot write"):
        edits.write_atomic(path, b"x" * 100_000, back=True)
    assert path.read_bytes() == b"short"


@pytest.mark.skipif(os.name != "posix", reason="needs fork")
def test_a_kill_before_the_cut_leaves_settings_that_say_the_same(tmp_path: Path) -> None:
    import json

    path = tmp_path / "f"
    path.write_bytes(b'{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8787/claude-code"}}\n')
    if (child := os.fork()) == 0:
        os.ftruncate = os.truncate = lambda *_: os._exit(9)
        import io

        class Killed(io.FileIO):
            def truncate(self, size: int | None = None) -> int:
                os._exit(9)

        edits.Path.open = lambda self, *_, **__: Killed(self, "r+b")  # type: ignore[method-assign,assignment]
        edits._overwritten(path, b'{"env": {}}\n')
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert json.loads(path.read_bytes()) == {"env": {}}
