"""What `--help` says of what a command takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli import ok, skillclaw


def test_each_argument_is_explained(tmp_path: Path) -> None:
    told = " ".join(ok("proposals", "vote", "--help", home=tmp_path).split())
    assert "PROPOSAL The proposal's id, or how it begins. [required]" in told
    assert "VOTE approve or against. [required]" in told
    assert told.count("or how it begins.") == 1  # click's own section of arguments would say it again
    assert "\\[" not in ok("import", "--help", home=tmp_path)


@pytest.mark.parametrize("by", ["--home", "SKILLCLAW_HOME"])
def test_a_home_of_a_user_that_is_not_here_is_told(tmp_path: Path, by: str) -> None:
    place = "~no-such-user-here/x"
    args, environ = (["--home", place], {}) if by == "--home" else ([], {by: place})
    done = skillclaw("status", *args, home=tmp_path, environ=environ)
    assert done.returncode == 2
    assert f"{by} names a user that is not here." in done.stderr
