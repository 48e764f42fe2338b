"""Which files of a skill a machine runs: by what they are, and by what its lines do with them. Pure.

A name says little: an agent that reads "run `bash assets/run`" runs any file. So lines are looked at, too.
Files that hold text or data are mentioned next to names of programs all the time ("for Python
references/python.md"); for those only what stands as a command counts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator

from skillclaw.errors import BadInputError
from skillclaw.skills.file_text import as_text
from skillclaw.skills.frontmatter import parse
from skillclaw.skills.records import Bundle, File

__all__ = ["GOES_ON", "is_script", "programs"]

_ENDS = """
sh bash zsh ksh csh tcsh fish nu ps1 psm1 psd1 bat cmd vbs vbe wsf hta reg awk sed exp expect tcl
applescript scpt ahk service desktop
py pyw pyz pyx pyc ipynb js jsx ts tsx mjs cjs mts cts coffee vue svelte rb rake gemspec pl pm raku php
phar lua luau r jl groovy clj cljs bb ex exs erl escript el scm rkt lisp hy sql
go rs c h cc cpp cxx hpp m mm swift java kt kts scala sc cs csx vb fs fsx hs lhs ml d dart zig nim cr f90
pas asm s sol
mk mak cmake gradle bzl star just ninja nix tf hcl
exe com dll so dylib msi scr lnk class jar war wasm node app run appimage deb rpm apk dmg pkg whl egg gem
"""
"""Suffixes of programs: shells and what belongs to one system, languages that are run as they are written,
those that are compiled first, what builds and sets up, and what is built or runs something when it is
installed."""
_NAMES = re.compile(
    r"(?:gnu)?makefile(?:\..*)?|\.?justfile|taskfile\.ya?ml|(?:.*\.)?(?:docker|container)file(?:\..*)?"
    r"|(?:docker-)?compose(?:\..*)?\.ya?ml|(?:rake|gem|pod|fast|brew|guard|danger|thor|vagrant|jenkins|cap|proc|earth"
    r"|tilt|snake)file|sconstruct|sconscript|build\.bazel|cmakelists\.txt|meson\.build|tox\.ini|build\.xml|pom\.xml"
    r"|package\.json|composer\.json|deno\.jsonc?|\.?mcp\.json|hooks\.json|\.gitlab-ci\.ya?ml|\.pre-commit-config\.ya?ml"
    r"|action\.ya?ml|openai\.ya?ml|crontab|\.envrc|\.(?:ba|z|k)shrc|\.(?:bash_)?profile|\.z(?:profile|shenv)|\.gitconfig",
)
"""Names of files that tell a known program what to run."""
_FOLDERS = frozenset({"scripts", "bin", "hooks"})
"""Where a file without a suffix is there to be run."""
_PROSE = re.compile(r"(?:license|licence|copying|notice|readme|authors|changelog|version)\b", re.IGNORECASE)
"""Files that have no suffix and are read all the same."""
_DATA = """
md markdown txt text rst adoc json jsonl ndjson json5 jsonc csv tsv yaml yml toml ini cfg conf xml xsd
html htm css scss svg png jpg jpeg gif webp ico pdf doc docx xls xlsx ppt pptx odt ods eml ics log diff
patch lock tex bib ttf otf woff woff2 mp3 mp4 wav parquet db sqlite template tmpl j2 proto graphql example
sample
"""
"""Suffixes of files that are read; they are run only where a command says so."""
_PROGRAM_ENDS, _DATA_ENDS = frozenset(_ENDS.split()), frozenset(_DATA.split())
_MAGIC = (b"#!", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\0asm")
_MOST = 2000
"""Places where files are named that are looked at; a text that has more is made to hide one."""
_BEHIND = 200
"""Characters before and behind a file's name that are looked at."""

_WORD = re.compile(
    # a folder may stand there by another name
    r"(?:\$?\{\w{1,60}\}|<[\w -]{1,60}>)/[^\s`\"'()<>\[\]{}|;&,=]+|[^\s`\"'()<>\[\]{}|;&,=]+"
)
_GLOB = re.compile(r"/[^/]*[*?]")
_SHELLS = r"(?:ba|z|da|k|fi|c|tc)?sh(?:\.exe)?"
_OTHERS = (
    r"(?:python[\d.]*|pypy3?|node(?:js)?|deno|bunx?|npx|tsx|ts-node|perl|ruby|php|lua(?:jit|[\d.]*)|Rscript"
    r"|julia|tclsh|wish|osascript|pwsh|powershell|[cw]script|java|kotlin|scala|groovy|uvx?|poetry|pipx|psql|mysql"
    r"|sqlite3|ansible-playbook|crontab|streamlit|wasmtime|guile|racket|clojure|elixir|escript|swift|crystal)(?:\.exe)?"
)
_ENGLISH = r"(?:source|\.|exec|eval|go|nu|cmd|expect|command)"
"""Programs whose names stand in any sentence: these count as commands only."""
_DEMAND = r"(?:run|execute|exec|call|invoke|launch|start|sudo|env|nohup|time|then|do|command)(?:s|ning)?"
_OPTIONS = r"(?:[ \t]+(?:[-/+]{}[^\s`]{{0,60}}(?:[ \t]+[\w:./=,-]{{1,40}})?|run|exec|x|tool|do)){{0,6}}"
"""What stands between a program and the file that it runs. Behind code that is given right there (`-c`), and
behind the name of a module, files are data."""
_BY_SHELL = _SHELLS + _OPTIONS.format(r"(?!(?<=-)c\b)")
_BY_OTHER = _OTHERS + _OPTIONS.format(r"(?!(?<=-)(?:m|c|e|p|-eval|-print)\b)")
_PLAIN = rf"(?:{_BY_SHELL}|{_BY_OTHER})"
_ANY = rf"(?:{_PLAIN}|{_ENGLISH}{_OPTIONS.format('')})"
_UP_TO = r"(?:[ \t]+|[ \t]*<[ \t]*|[ \t]*\n[ \t]*)(?:\.{1,2}[/\\])?[\"'`<(]{0,3}\Z"
_RUN = re.compile(
    # a fence's language stands before whatever comes first in it
    rf"(?<![\w.@-])(?<!```)(?<!~~~){_PLAIN}{_UP_TO}"
    rf"|(?:^[ \t]*(?:(?:[-*+$>%#]|\d{{1,3}}[.)])[ \t]+){{0,3}}"
    rf"|(?<!`)`(?!`)[ \t$]{{0,3}}|[;&|][ \t]*|\$\([ \t]*)"
    rf"{_ENGLISH}{_OPTIONS.format('')}{_UP_TO}"
    rf"|(?<![\w-])(?i:{_DEMAND}[ \t]+[`\"']?{_ANY}){_UP_TO}"
    rf"|{_PLAIN}[ \t]+[\"']?<\([ \t]*cat[ \t]+[\"']?\Z"
    r"|\b(?:g?make|just|[gm]?awk|sed|docker|podman|docker-compose|psql|at|vim?|gdb)\b[^\n|;&`]{0,100}?"
    r"[ \t](?:-f|-S|-x|--(?:make|just)?file)[ \t=]*[\"']?\Z"
    r"|(?:[ \t]-(?:c|e|-eval|Command)|\beval|\bsource|(?<!\S)\.)[ \t]+"
    r"[\"']?(?:\$\(|`|<\()[ \t]*(?:cat[ \t]|<)[ \t]*[\"']?\Z"
    r"|\b(?:exec|eval|execfile|dofile|loadfile|run_path)\w{0,10}\([^\n]{0,80}\Z"
    r"|\bchmod[ \t]+(?:-\w+[ \t]+){0,3}(?:[ugoa]*[+=]\w*x\w*|[0-7]*[1357][0-7]*)[ \t]+[\"']?\Z"
    r"|\binstall[ \t]+-D?m[ \t]*[0-7]*[1357][0-7]*[ \t]+[\"']?\Z",
    re.MULTILINE,
)
"""What stands before a file that is run."""
_PIPED = re.compile(
    rf"[\"']?[^|;&\n`]{{0,60}}\|[ \t]*(?:sudo[ \t]+)?(?:{_SHELLS}|{_OTHERS})"
    rf"(?:[ \t]+-s?(?=[\s`\"'])){{0,3}}[ \t]*(?:$|[;&|`\"')])",
    re.MULTILINE,
)
"""What stands behind a file that is given to a program to run."""
_ASKED = re.compile(
    rf"(?<![\w-])(?i:{_DEMAND})[ \t\n][^.\n]{{0,40}}\Z"
    rf"|(?i:(?<![\w.@-])(?:{_SHELLS}|{_OTHERS}|{_ENGLISH}))[ \t][^.\n|;&]{{0,40}}\Z"
)
"""What stands before a file that is run, if it is no text."""
GOES_ON = re.compile(r"[\\^][ \t]*\r?\n[ \t]*")
"""The sign of a shell that a command goes on in the next line."""


def is_script(path: str, data: bytes, executable: bool) -> bool:
    """Whether a file of a bundle is something that a machine runs, whatever the skill says of it."""
    parts = path.lower().split("/")
    _, dot, end = parts[-1].rpartition(".")
    return (
        executable
        or data.startswith(_MAGIC)
        or (data.startswith(b"MZ") and b"\0" in data)
        or (bool(dot) and end in _PROGRAM_ENDS)
        or _NAMES.fullmatch(parts[-1]) is not None
        or (not dot and not _PROSE.match(end) and not _FOLDERS.isdisjoint(parts[:-1]))
    )


def programs(bundle: Bundle) -> list[File]:
    """The files of `bundle` that a machine runs: scripts, and what a line of the skill has run."""
    others = {f.path: f for f in bundle.files if not is_script(f.path, f.data, f.executable)}
    run = _named(bundle, others)
    return [file for file in bundle.files if file.path not in others or file.path in run]


def _named(bundle: Bundle, others: Collection[str]) -> set[str]:
    """Those of `others` that a text of `bundle` has run."""
    found: set[str] = set()
    left = _MOST
    for text in _texts(bundle):
        for path, start, end in _mentions(text, others):
            left -= 1
            if left < 0:
                return set(others)
            if path not in found and _runs(text, start, end, path):
                found.add(path)
    return found


def _texts(bundle: Bundle) -> Iterator[str]:
    for file in bundle.files:
        text = as_text(file.data)
        yield GOES_ON.sub(" ", text)
        if file.path == "SKILL.md":
            try:
                yield parse(text)[0].description
            except BadInputError:
                continue  # the static checks refuse it


def _mentions(text: str, paths: Collection[str]) -> Iterator[tuple[str, int, int]]:
    """Where a text names one of `paths`, as a whole or by its end: (path, start, end)."""
    by_name: dict[str, list[tuple[str, list[str]]]] = {}
    for path in paths:
        parts = path.casefold().split("/")
        by_name.setdefault(parts[-1], []).append((path, parts))
    for match in _WORD.finditer(text):
        word = match[0][:300].replace("\\", "/")
        if _GLOB.search(word):
            # `bash assets/*`: which of them is for the shell to say, so all below that folder
            folder = [
                part for part in word.casefold().partition("*")[0].split("?")[0].split("/")[:-1] if part
            ]
            for path in paths:
                if folder and folder[-1] in path.casefold().split("/")[:-1]:
                    yield path, match.start(), match.end()
            continue
        start = match.start()
        for option in ("-f", "-S", "-x"):
            if word.startswith(option):
                word, start = word[2:], start + 2
        said = posixpath.normpath(
            word.strip("*_:!?.,") if word.endswith(tuple("*_:!?.,")) else word
        ).casefold()
        given = [part for part in said.split("/") if part not in (".", "..", "")]
        for path, parts in by_name.get(given[-1], ()) if given else ():
            shorter = min(len(given), len(parts))
            if given[-shorter:] == parts[-shorter:]:
                yield path, start, match.end()


def _runs(text: str, start: int, end: int, path: str) -> bool:
    """Whether the text has the file run that it names from `start` to `end`."""
    begin = max(0, start - _BEHIND)
    if _RUN.search(text, begin, start) or _PIPED.match(text, end, end + _BEHIND):
        return True
    _, dot, suffix = path.casefold().rpartition("/")[2].rpartition(".")
    if (suffix in _DATA_ENDS) if dot else _PROSE.match(suffix):
        return False
    if text.startswith("./", start) and not text.endswith("](", 0, start):
        return True
    # a bare name may be any word: "then run make"
    plain = "/" in text[start:end] or text[start - 1 : start] in ("`", '"', "'")
    return plain and _ASKED.search(text, begin, start) is not None
