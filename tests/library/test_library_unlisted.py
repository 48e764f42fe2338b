"""What a process left amid an install is not deleted where nobody can tell whether it is the only copy."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from skillclaw.library import swap


@pytest.mark.parametrize("where", ["old", "checked"])
def test_the_only_copy_outlives_a_lack_of_open_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    home, target = tmp_path / "home", tmp_path / "skills"
    aside = target / f"{swap._PREFIX}{swap._mark(home)}-0123" / where / "git"
    aside.mkdir(parents=True)
    (aside / "SKILL.md").write_text("edited\n", "utf-8")
    usual = (os.listdir, os.scandir)

    def lacks(which: int) -> Any:
        def listing(path: Any = ".") -> Any:
            if isinstance(path, str | os.PathLike) and Path(path).name == where:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
            return usual[which](path)

        return listing

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", lacks(0))
        patch.setattr(os, "scandir", lacks(1))
        with pytest.raises(OSError, match="Too many open files"):
            swap.recover(target, home)
    assert (aside / "SKILL.md").read_text("utf-8") == "edited\n"
    swap.recover(target, home)
    assert [path.name for path in target.iterdir()] == ["git"]
    assert (target / "git" / "SKILL.md").read_text("utf-8") == "edited\n"
