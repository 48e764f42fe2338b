"""Somebody who does what a page of the docs tells: a clone, a home for each person, what was not as told."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import forking
from as_installed import shutting_out, up_extras
from doc_blocks import blocks, fits, told
from terminal import Terminal

ROOT = Path(__file__).parents[2]
INVITE = re.compile(r"skillclaw-invite-1:[A-Za-z0-9_-]{20,}")
INVITED = re.compile(r"skillclaw-invite-1:[\w.-]*\.\.\.")
"""An invite as a page shows it."""
SIMPLE = re.compile(r"skillclaw [^|&;<>$`*()#~]+")
"""A command that needs no shell."""
EXPORT = re.compile(r"(?:export (\w+)=(\S+)|unset (\w+))")


class Newcomer:
    """A clone, and for each person of a page a home with nothing in it.

    `quick`: the checkout itself and forked commands (`forking`) in place of a clone and fresh processes. Else
    no package can be imported that `make up` does not install.
    `named`: by the page's words, what stands for them on this machine, such as a path.
    """

    def __init__(self, place: Path, *, quick: bool = False, named: dict[str, str] | None = None) -> None:
        self.place, self.clone, self.invite, self.quick = place, place / "clone", "", quick
        self.named = named or {}
        self.said: dict[str, dict[str, str]] = {}
        """By person what stands in the environment of her terminal."""
        if quick:
            self.clone.mkdir()
            (self.clone / "docs").symlink_to(ROOT / "docs")
        else:
            subprocess.run(["git", "clone", "-q", str(ROOT), str(self.clone)], check=True)
        programs = place / "bin"
        programs.mkdir()
        program = programs / "skillclaw"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m skillclaw "$@"\n')
        program.chmod(0o755)
        if not quick:
            (programs / "sitecustomize.py").write_text(shutting_out(up_extras()))
        self.environ = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{(ROOT if quick else self.clone) / 'src'}{os.pathsep}{programs}",
            "COLUMNS": "140",
            "LANG": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": "testkey",
            "AWS_SECRET_ACCESS_KEY": "testsecret",
        }

    def run(self, who: str, command: str) -> tuple[int, str]:
        """The exit code, and what was printed, with `~` for the home."""
        home = self.place / who
        home.mkdir(exist_ok=True)
        command = INVITED.sub(lambda _: self.invite, command)
        for told_as, real in self.named.items():
            command = command.replace(told_as, real)
        said = self.said.setdefault(who, {})
        if found := EXPORT.fullmatch(command):
            said.pop(found[3] or found[1], None)
            said |= {found[1]: found[2].replace("~", str(home))} if found[1] else {}
            return 0, ""
        environ = self.environ | {"HOME": str(home)} | said
        if self.quick and SIMPLE.fullmatch(command):
            forked = forking.run(tuple(shlex.split(command)[1:]), environ, self.clone, 200)
            code, printed = forked.returncode, forked.stdout + forked.stderr
        else:
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self.clone,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=200,
                check=False,
            )
            code, printed = done.returncode, done.stdout
        if found := INVITE.search(printed):
            self.invite = found[0]
        for told_as, real in self.named.items():
            printed = printed.replace(real, told_as)
        return code, printed.replace(str(home), "~")

    def types(self, who: str, command: str, until: str, keys: str) -> tuple[int, str]:
        """The same at a terminal, by somebody who types `keys` once it wrote `until`. Ctrl-C is an end that
        was asked for."""
        home = self.place / who
        home.mkdir(exist_ok=True)
        seat = Terminal(*shlex.split(command)[1:], home=home, environ=self.environ | self.said.get(who, {}))
        try:
            seat.until(until)
            seat.answers(keys)
            code = seat.ends()
        finally:
            seat.process.kill()
        return (0 if keys == "\x03" and code == 130 else code), seat.said.replace(str(home), "~")

    def follows(self, page: str) -> None:
        """Do what the page tells; all that was not as it says is told together."""
        wrong = []
        for block in blocks((self.clone / "docs" / page).read_text("utf-8")):
            if block.file:
                path = self.place / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)
            for one in told(block) if block.kind == "console" and not block.not_run else ():
                code, printed = self.run(one.who, one.command)
                if code != one.code or not fits(one.prints, printed):
                    wrong.append(f"{one.who}$ {one.command}\nexit code {code}, prints:\n{printed}")
        assert not wrong, "\n".join(wrong)
