"""The file of credentials that were seen, on a disk that takes half a line."""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

import pytest

from skillclaw.journal.redact_text import Masker
from skillclaw.journal.seen import FILE, Seen, SeenWriter

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits")
KEY = b"k" * 32
FIRST, SECOND, THIRD = (f"sk-{name}-0123456789abcdef" for name in ("first", "second", "third"))


def test_half_a_line_of_a_full_disk_costs_no_other_line(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            writer = SeenWriter(tmp_path, KEY)
            writer.add(FIRST)
            size = (tmp_path / FILE).stat().st_size
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + size // 2, hard))
            try:
                writer.add(SECOND)
                os._exit(3)
            except OSError:
                pass
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            writer.add(THIRD)
            writer.add(SECOND)
            os._exit(0)
        finally:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    seen = Seen(KEY, tmp_path / FILE)
    for value in (FIRST, SECOND, THIRD):
        assert value not in seen.mask(f"the key {value} is known", Masker(KEY)), value


def test_tokens_that_change_all_the_time_do_not_fill_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skillclaw.journal.seen.MOST", 20)
    writer = SeenWriter(tmp_path, KEY)
    keys = [f"sk-rotating-{number:04}-0123456789" for number in range(200)]
    for key in keys:
        writer.add(key)
    assert len((tmp_path / FILE).read_text("ascii").splitlines()) <= 41
    seen = Seen(KEY, tmp_path / FILE)
    assert keys[-1] not in seen.mask(f"the key {keys[-1]} is known", Masker(KEY))
