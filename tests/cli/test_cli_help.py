"""What `--help` says of what a command takes."""

from __future__ import annotations

from pathlib import Path

from cli import ok


def test_each_argument_is_explained(tmp_path: Path) -> None:
    told = " ".join(ok("proposals", "vote", "--help", home=tmp_path).split())
    assert "PROPOSAL The proposal's id, or how it begins. [required]" in told
    assert "VOTE approve or against. [required]" in told
    assert told.count("or how it begins.") == 1  # click's own section of arguments would say it again
    assert "\\[" not in ok("import", "--help", home=tmp_path)
