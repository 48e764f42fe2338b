"""Whether an interpreter behind a pipe has code of its own, so that what comes in is data for it.

A script, a module, code in the command or a subcommand is such code. What is not known to be so counts as
none: then the pipe is what it runs.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from skillclaw.gate.ran import RUNS
from skillclaw.gate.shell_words import Token

__all__ = ["family", "has_its_own_code", "is_script", "is_the_pipe", "runs_the_pipe_all_the_same"]


class _Options(NamedTuple):
    """Of one family: `plain` ones take no word behind them, which could pass for a script, and leave the pipe
    data; those of `code` have code behind them, or attached; those of `takes` have a value behind them."""

    plain: re.Pattern[str]
    code: re.Pattern[str]
    takes: frozenset[str]


_HARMLESS = r"(?:\$\w{1,60}/)?[\w.,:@/+~][\w.,:@/+~=-]{0,199}"
"""A value in which no code fits."""
_LONG = (
    rf"-F.{{1,9}}|-0\d{{0,4}}|--(?:vanilla|quiet|slave|no-check|no-warnings|experimental-strip-types)"
    rf"|--allow-(?:all|net|env|run|sys|read|write|import)|--[\w-]{{1,40}}={_HARMLESS}"
)


def _options(plain: str, code: str, *takes: str) -> _Options:
    return _Options(re.compile(rf"(?:{plain}|{_LONG})"), re.compile(rf"({code})(.*)", re.S), frozenset(takes))


_FAMILIES = {
    "python": _options(
        r"-[uBsSOEIbqvP]{1,5}|-[23](?:\.\d{1,2})?|-[WX]\w{1,40}", r"-[uBsSOEIbq]{0,5}c", "-W", "-X"
    ),
    "perl": _options(
        rf"-[sSwWtTnpal0-9]{{1,9}}|-i[.\w]{{0,9}}|-C\w{{0,9}}|-I{_HARMLESS}|-M(?!CPAN){_HARMLESS}",
        r"-[lnpaws0-9]{0,9}[eE]",
    ),
    "ruby": _options(rf"-[sSvUwWnpal0-9]{{1,9}}|-[rI]{_HARMLESS}", r"-[lnpaws0-9]{0,9}e", "-r"),
    "php": _options(r"-[qns]{1,3}", r"-r"),
    "node": _options(rf"-[AqbvSE]{{1,5}}|-r{_HARMLESS}", r"-pe|-e|-p|--(?:eval|print)(?:=|$)", "-r"),
    "other": _options(rf"-[sSqvb]{{1,5}}|-O\d|-[rMI]{_HARMLESS}", r"-[lnpaws0-9]{0,9}[eE]$"),
}
_NAMES = {
    "python": re.compile(r"python|pypy|[ij]python|micropython|graalpy"),
    "perl": re.compile("perl"),
    "ruby": re.compile("j?ruby"),
    "php": re.compile("php"),
    "node": re.compile("node(?:js)?|bun|deno|tsx|ts-node"),
    "other": re.compile("lua(?:jit)?|tclsh|expect|rscript|julia|elixir|groovy|raku|guile"),
}
_VERSION = re.compile(r"-?\d(?:[\d.]{0,20}\d)?[td]?$")
_LAST = frozenset({"python", "php"})
"""Behind their code come the words that the code gets."""
_DATA_AS_DASH = frozenset({"perl", "ruby", "node", "python", "php"})
"""With code of its own, `-` is a name of the data to them; to others it is more code."""
_MODULE = re.compile(r"(-[uBsSOEIbq]{0,5}m)(.*)")
_REPLS = re.compile(
    r"code|asyncio|i?python|ptpython|bpython|_?pyrepl|jupyter_console|ipykernel\w*|qtconsole|runpy|idlelib|xonsh|pip|pipx|pipenv|poetry"
    r"|pdm|hatch|uv|[biu]?pdb|bdb|pudb|debugpy|trace|cprofile|profile|coverage|timeit|doctest|kernprof|(?:line|memory)_profiler"
    r"|scalene|viztracer|pyinstrument|papermill|hy",
    re.IGNORECASE,
)  # fmt: skip
"""Modules that run what they read."""
_ASKS_MORE = {
    "flask": frozenset(),
    "django": frozenset({"loaddata"}),
    "jupyter": frozenset({"nbconvert"}),
}
"""Modules that run what they read, unless their first word is one of these."""
_MODULE_NAME = re.compile(r"\w[\w.]{0,80}(?![\w$({\\-])")
_PIPE = re.compile(r"(?:^|/)(?:dev/(?:stdin|fd)|proc/)|(?:^|/)stdin(?![\w.-])|\bfd/\d")
_VAR = (
    r"(?:\$(?:\w{1,80}|\{\w{1,80}(?::-[\w./~$][\w./~$-]{0,80}|%{1,2}[/*.\w-]{1,40})?\}|\(pwd\))"
    r"|\{{1,2}\w[\w.-]{0,60}\}{1,2}|<\w[\w -]{0,60}>)"
)
_SCRIPT = re.compile(
    rf"(?:(?:{_VAR}|[A-Za-z]:|[\w.@+,%~…][\w.@+,=%~…$-]{{0,100}}+)?/(?:(?>{_VAR}|[\w.@+,=:%~…$-]){{0,100}}+/){{0,40}}+)?"
    r"[\w.@+$-]{1,80}\.(?!\.)\w{1,5}(?![\w/:*?{%-])"
)
_PATH = re.compile(
    rf"(?:{_VAR}|[\w.@+~-]{{1,100}})?/(?:[\w.@+-]{{1,100}}/){{0,40}}[\w@+-]{{1,80}}(?![\w./:*?{{%-])"
)
"""One without an ending."""
_UNSET = re.compile(r"(?:\$\w{1,80}|\$\{\w{1,80}\}|\$\{\w{1,80}:-){1,3}-")
"""An option, once the names before it stand for nothing."""
_LIBRARY = re.compile(
    r"(?:^|/)lib\d{0,2}/(?:python|pypy)[\d.]{0,9}/(?!(?:site|dist)-packages/)|/(?:IPython|ptpython|bpython)/"
)
"""Python's own modules: some run what comes in."""
_RUNS = re.compile(RUNS, re.IGNORECASE)
_CODE = 1500
"""Characters of code that are judged; longer code counts as none of its own."""
_OWN_SHELL = re.compile(r"(?:(?:db)?shell|console)(?:_?plus)?|repl|tinker|eval-file", re.IGNORECASE)
"""What starts a program's own shell, which runs what comes in."""
_KINDS = ("format", "output", "type", "lang", "mode", "-f", "-o", "-t")
"""Ends of options behind which such a word names a form of output."""
_OPENED = re.compile(r"\s*\||.*\|\s*$", re.S)
"""A name of a file that Perl takes for a command."""
_PACKAGE_SCRIPT = re.compile(r"[a-z][\w:-]{0,60}(?![\w:./-])")
_FOLDER = re.compile(r"\.(?:/[\w./-]{1,100})?(?![\w.])")
_DATA_WORDS = {
    "deno": frozenset(["fmt", "lint", "check", "test", "bench", "doc", "task", "types", "info"]),
    "bun": frozenset({"test"}),
}
_MEDDLES = re.compile(
    r"PYTHONINSPECT=.|PERL5OPT=\S{0,40}d"
    r"|(?:NODE_OPTIONS|RUBYOPT|PERL5OPT|LUA_INIT\w{0,9}|PYTHONSTARTUP|BASH_ENV|ENV)=.{0,200}(?:/stdin|/fd/|proc/)",
    re.S,
)


def family(name: str) -> str | None:
    """The interpreters that the program of this name belongs to; its version may be a part of the name."""
    bare = _VERSION.sub("", name)
    return next((kind for kind, names in _NAMES.items() if names.fullmatch(bare)), None)


def runs_the_pipe_all_the_same(setting: str) -> bool:
    """Whether this setting (`NAME=value`) makes an interpreter run what comes in, though it has code."""
    return _MEDDLES.match(setting) is not None


def is_the_pipe(path: str) -> bool:
    """Whether a path is another name of what comes in."""
    return any(_PIPE.search(one) for one in (path, posixpath.normpath(path)))


def has_its_own_code(kind: str, name: str, words: Sequence[Token]) -> bool:
    """Whether the interpreter of this family, with these words behind it, runs no more than what they say."""
    if name in ("bun", "deno", "go", "dart"):
        if words and words[0].text in _DATA_WORDS.get(name, ()):
            return True
        if words and words[0].text == "run":
            words = words[1:]
            if words and (
                (name == "bun" and _PACKAGE_SCRIPT.fullmatch(words[0].text))
                or (name in ("go", "dart") and _is_folder(words[0]))
            ):
                return True
        elif name == "deno" and words and words[0].text == "eval":
            return len(words) > 1 and _is_harmless(words[1], kind) and not _runs_more(words[2:])
        elif name in ("go", "dart"):
            return True  # to build and to test is not to run what comes in
    options = _FAMILIES[kind]
    coded, at = False, 0
    while at < len(words):
        word = words[at]
        at += 1
        if kind == "python" and (module := _MODULE.fullmatch(word.text)):
            return _is_module(
                [word._replace(text=module[2], raw=module[2])] * bool(module[2]) + [*words[at:]]
            )
        if code := options.code.fullmatch(word.text):
            given = word._replace(text=code[2]) if code[2] else None
            if given is None:
                given, at = (words[at], at + 1) if at < len(words) else (None, at)
            if given is None or not _is_harmless(given, kind):
                return False
            coded = True
            if kind in _LAST:
                return True
        elif options.plain.fullmatch(word.text) and not is_the_pipe(word.text[word.text.find("/") :]):
            continue
        elif word.text in options.takes:
            if at < len(words) and is_the_pipe(words[at].text):
                return False
            at += 1
        elif coded and (word.text == "--" or not word.text.startswith("-")):
            data = words[at - 1 :]
            return not _runs_more(data) and not any(
                _OPENED.match(one.text) or is_the_pipe(one.text) for one in data
            )
        elif coded and word.text == "-":
            return kind in _DATA_AS_DASH
        else:
            return is_script(word) and not _own_shell(words[at:])
    return coded


def _runs_more(words: Sequence[Token]) -> bool:
    """Whether an option behind the code has more code run."""
    return any(
        re.match(r"-\w{0,9}[aceipr]\b|--(?:inter|eval|print|require|import)", one.text) for one in words
    )


def _is_folder(word: Token) -> bool:
    return _FOLDER.match(word.text) is not None and not is_the_pipe(word.text)


def _is_harmless(code: Token, kind: str = "") -> bool:
    """Whether code runs no other code. In JavaScript, where no shell reads them, texts stand in backticks."""
    text = unicodedata.normalize("NFKC", code.text)
    if kind == "node" and code.raw.startswith("'"):
        text = text.replace("`", "")
    return bool(code.raw) and len(text) <= _CODE and _RUNS.search(text) is None


def is_script(word: Token) -> bool:
    """Whether a word is the path of a file, or its name with an ending, and no other name of the pipe."""
    text = word.text
    if text.startswith("-") or _UNSET.match(word.raw.lstrip("\"'")) or "://" in text or is_the_pipe(text):
        return False
    return (_SCRIPT.match(text) or _PATH.match(text)) is not None and _LIBRARY.search(text) is None


def _is_module(words: Sequence[Token]) -> bool:
    if not words or not (named := _MODULE_NAME.match(words[0].text)) or is_the_pipe(words[0].text):
        return False
    first = named[0].partition(".")[0]
    if first in _ASKS_MORE:
        given = [one.text for one in words[1:]]
        return bool(given) and given[0] in _ASKS_MORE[first] and "--execute" not in given
    return _REPLS.fullmatch(first) is None and not _own_shell(words[1:])


def _own_shell(words: Sequence[Token]) -> bool:
    """Whether a word starts the program's own shell, and gives it no harmless code."""
    for at, word in enumerate(words):
        if at and words[at - 1].text.endswith(_KINDS):
            continue
        if _OWN_SHELL.fullmatch(word.text):
            given = words[at + 1 : at + 3]
            coded = len(given) == 2 and given[0].text in ("-c", "--command") and _is_harmless(given[1])
            return not coded
    return False
