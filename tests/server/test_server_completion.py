"""The line of the completion goes from a user's start file, and nothing else of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillclaw.server.setup.completion import take_out


def home(tmp_path: Path, text: str) -> Path:
    """A user's home with bash's completion, whose line stands in `text` for LINE."""
    script = tmp_path / ".bash_completions" / "skillclaw.sh"
    script.parent.mkdir()
    script.write_text("export SKILLCLAW_COMPLETE=bash\n", "utf-8")
    (tmp_path / ".bashrc").write_bytes(text.replace("LINE", f"source '{script}'").encode())
    return tmp_path


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\n\nLINE\n", "a\n"),
        ("a\nLINE\n", "a"),
        ("a\n\nLINE\nb\n", "a\nb\n"),
        ("a\n\nLINE\n\nLINE\n", "a\n"),
        ("a\r\n\r\nLINE\r\nb\r\n", "a\r\n\r\nb\r\n"),
        ("a\n  LINE  \nb\n", "a\nb\n"),
        ("echo LINE\n\nLINE\n", "echo LINE\n"),
    ],
)
def test_only_the_line_goes(text: str, left: str, tmp_path: Path) -> None:
    place = home(tmp_path, text)
    line = f"source '{place / '.bash_completions' / 'skillclaw.sh'}'"
    ((told, gone),) = list(take_out(place))
    assert gone, told
    assert (place / ".bashrc").read_bytes() == left.replace("LINE", line).encode()
    assert not (place / ".bash_completions").exists()


@pytest.mark.parametrize(
    "text",
    [
        "if true; then\n  LINE\nfi\n",
        "[ -f x ] && \\\nLINE\n",
        "cat <<EOF\nLINE\nEOF\n",
        "load() {\n\n  LINE\n}\n",
        "true &&\nLINE\n",
    ],
)
def test_in_a_block_of_the_users_it_stays_and_is_told(text: str, tmp_path: Path) -> None:
    place = home(tmp_path, text)
    before = (place / ".bashrc").read_bytes()
    ((told, gone),) = list(take_out(place))
    assert not gone and "block of yours" in told
    assert (place / ".bashrc").read_bytes() == before
    assert (place / ".bash_completions" / "skillclaw.sh").exists()
