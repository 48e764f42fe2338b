"""A `bwrap` that does not answer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from skillclaw.errors import StorageError, UsageError
from skillclaw.sandbox import bubblewrap, open_box, why_no_room

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="bubblewrap needs Linux")
HANGS = "exec sleep 60"


@pytest.fixture
def bwrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Its place, first on PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(bubblewrap, "ASKED", 0.5)
    for known in (bubblewrap._tried, bubblewrap._size):
        known.cache_clear()
    yield tmp_path / "bwrap"
    for known in (bubblewrap._tried, bubblewrap._size):
        known.cache_clear()


def write(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(("text", "why"), [(HANGS, "does not answer"), (None, "cannot be started")])
def test_a_bwrap_that_hangs_or_cannot_be_started_is_told(bwrap: Path, text: str | None, why: str) -> None:
    if text is not None:
        write(bwrap, text)
    else:
        bwrap.write_text("#!/nowhere/sh\n")
        bwrap.chmod(0o755)
    assert why in why_no_room()
    with pytest.raises(UsageError) as told, open_box([], workspace="/"):
        pass
    assert why in told.value.why


def test_one_that_hangs_when_it_is_asked_for_its_options_is_told(bwrap: Path) -> None:
    real = shutil.which("bwrap")
    if real is None or bubblewrap.missing():
        pytest.skip("needs bubblewrap")
    bubblewrap._tried.cache_clear()
    bubblewrap.ASKED = 10.0
    write(bwrap, f'[ "$1" = --help ] || exec {real} "$@"\n{HANGS}')
    assert why_no_room() == ""
    bubblewrap.ASKED = 0.5
    with pytest.raises(StorageError, match="does not answer"), open_box([], workspace="/"):
        pass
