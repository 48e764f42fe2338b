"""Completion by Tab, in the shells themselves: installed by one command, found by the next shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = f"#!{sys.executable}\nfrom skillclaw.cli import main\nmain()\n"
BASH = """
COMP_LINE="$1"; read -ra COMP_WORDS <<< "$1"; COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
spec=$(complete -p skillclaw); function=${spec#*-F }; function=${function%% *}
$function skillclaw; printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
zmodload zsh/zpty
zpty shell zsh -i
zpty -w shell 'PS1=; print REA''DY'
zpty -r -m shell out '*READY*'
zpty -n -w shell "$1"$'\\t'
sleep 1
zpty -n -w shell $'\\t'
for turn in {1..100}; do
  sleep 0.1
  zpty -r -t shell more && out+=$more
  [[ $out == *"$2"* ]] && break
done
print -r -- "$out"
zpty -d shell
"""


def _environ(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "skillclaw").write_text(PROGRAM)
    (folder / "skillclaw").chmod(0o755)
    base = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "ZDOTDIR"))}
    return base | {"HOME": str(tmp_path), "PATH": f"{folder}:{os.environ['PATH']}", "TERM": "xterm"}


def _in(environ: dict[str, str], *argv: str) -> str:
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, cwd=environ["HOME"])
    return done.stdout


def _installed(shell: str, tmp_path: Path) -> dict[str, str]:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    environ = _environ(tmp_path)
    # The last word keeps the shell there: it is told by who starts the command.
    said = _in(environ, shell, "-c", "skillclaw --install-completion; true")
    assert f"{shell} completion installed" in said
    return environ


def test_bash_completes(tmp_path: Path) -> None:
    environ = _installed("bash", tmp_path)
    rc = str(tmp_path / ".bashrc")

    def tab(line: str) -> set[str]:
        return set(_in(environ, "bash", "--rcfile", rc, "-i", "-c", BASH, "bash", line).split())

    assert tab("skillclaw sta") == {"status"}
    assert {"init", "invite", "info"} & tab("skillclaw hub in") == {"init", "invite"}
    assert {"--detach", "--demo"} <= tab("skillclaw up --de")


@pytest.mark.e2e
def test_fish_completes(tmp_path: Path) -> None:
    environ = _installed("fish", tmp_path)

    def tab(line: str) -> set[str]:
        told = _in(environ, "fish", "-c", f"complete -C '{line}'")
        return {one.partition("\t")[0] for one in told.splitlines()}

    assert tab("skillclaw sta") == {"status"}
    assert tab("skillclaw hub inv") == {"invite"}
    assert {"--detach", "--demo"} <= tab("skillclaw up --de")


@pytest.mark.e2e
def test_zsh_completes(tmp_path: Path) -> None:
    environ = _installed("zsh", tmp_path)
    # Twice: the first Tab of a shell only loads what Typer installs.
    for line, whole in (("skillclaw sta", "skillclaw status"), ("skillclaw hub inv", "hub invite")):
        shown = _in(environ, "zsh", "-f", "-c", ZSH, "zsh", line, whole[len(whole) - 3 :])
        assert whole in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[\x00-\x1f]", "", shown)
