"""Programs that run another one, which their words name: `sudo`, `env`, `xargs`, `docker exec`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from skillclaw.gate.shell_words import Token, tokens

__all__ = ["UV_RUN", "Wrapper", "behind", "is_code_of", "is_setting", "split", "stand_ins", "wrapper"]


class Wrapper(NamedTuple):
    """The options that take the word behind them (their letters, and the long ones), how many words of its
    own come before the other program, whether the pipe becomes the other's words, and whether that runs on
    another machine."""

    letters: str = ""
    names: str = ""
    own: int = 0
    as_words: bool = False
    elsewhere: bool = False


_SUDO = Wrapper(
    "CDghpRrTtUu", "user group host prompt chroot chdir role type other-user command-timeout close-from"
)
_CONTAINER = "env env-file user workdir volume publish name network entrypoint mount platform"
_PLAIN = Wrapper()
_JUST_RUN = (
    *("command", "builtin", "nohup", "setsid", "unbuffer", "busybox", "chronic", "rlwrap"),
    *("torsocks", "proxychains", "firejail", "npx", "bunx"),
)
_PROJECTS = (
    *("poetry", "pipenv", "pdm", "hatch", "rye", "pixi", "bundle", "mise"),
    *("conda", "mamba", "micromamba"),
)
"""Programs that run another in a project's, or their own, environment."""
_WRAPPERS = {
    **dict.fromkeys(_JUST_RUN, _PLAIN),
    "sudo": _SUDO,
    "doas": _SUDO,
    "runuser": Wrapper("ugG", "user group"),
    "env": Wrapper("uC", "unset chdir"),
    "exec": Wrapper("a"),
    "time": Wrapper("fo", "format output"),
    "nice": Wrapper("n", "adjustment"),
    "ionice": Wrapper("cn", "class classdata"),
    "chrt": Wrapper(own=1),
    "taskset": Wrapper(own=1),
    "timeout": Wrapper("ks", "kill-after signal", own=1),
    "stdbuf": Wrapper("ioe", "input output error"),
    "chroot": Wrapper(own=1),
    "flock": Wrapper("wE", own=1),
    "strace": Wrapper("oepsu"),
    "xargs": Wrapper(
        "adEILnPs", "arg-file delimiter max-lines max-args max-procs max-chars replace", as_words=True
    ),
    "parallel": Wrapper("jaNIn", "jobs arg-file", as_words=True),
    "ssh": Wrapper("BbcDEeFIiJLlmOopQRSWw", own=1, elsewhere=True),
}
_WITH_WORD = {
    **dict.fromkeys(
        [("docker", "run"), ("podman", "run")],
        Wrapper("aceuvwplmh", _CONTAINER, own=1, elsewhere=True),
    ),
    **dict.fromkeys(
        [("docker", "exec"), ("podman", "exec")], Wrapper("euw", _CONTAINER, own=1, elsewhere=True)
    ),
    **dict.fromkeys(
        [("kubectl", "exec"), ("oc", "exec")],
        Wrapper("cn", "container namespace", own=1, elsewhere=True),
    ),
    **{
        (name, word): Wrapper("npC", "name prefix directory environment")
        for name in _PROJECTS
        for word in ("run", "exec")
    },
}
UV_RUN = Wrapper(
    "pw", "with python extra group env-file directory project with-requirements index-url with-editable"
)
_SETTING = re.compile(r"\w{1,60}\+?=.*", re.S)
_SPLIT = re.compile(r"(?:-[viv0]{0,4}S|--split-string=?)(.*)", re.S)
_CODE = re.compile(r"-\w{0,9}[cer]|--eval|--print")


def is_setting(word: Token) -> bool:
    """Whether this is `NAME=value`, which may come before a program."""
    return _SETTING.fullmatch(word.text) is not None


def wrapper(name: str, rest: Sequence[Token]) -> tuple[Wrapper, Sequence[Token]] | None:
    """What is known of the program of this name, if it runs another one, and the words that it reads."""
    if rest and (found := _WITH_WORD.get((name, rest[0].text))):
        return found, rest[1:]
    known = _WRAPPERS.get(name)
    return (known, rest) if known else None


def behind(words: Sequence[Token], known: Wrapper) -> tuple[Sequence[Token], list[str]]:
    """The words from the other program on, and the options before it with their values."""
    options: list[str] = []
    own, at = known.own, 0
    while at < len(words):
        text = words[at].text
        if text == "--":
            return words[at + 1 :], options
        if text.startswith("-") and text != "-":
            options.append(text)
            if _takes_next(text, known):
                at += 1
                options += [one.text for one in words[at : at + 1]]
        elif own:
            own -= 1
        elif not is_setting(words[at]):
            return words[at:], options
        at += 1
    return [], options


def _takes_next(option: str, known: Wrapper) -> bool:
    """Whether the word behind belongs to it: of `-abc`, when the first letter that takes one is the last."""
    if option.startswith("--"):
        return option[2:] in known.names.split()
    taking = next((at for at, letter in enumerate(option) if letter in known.letters), None)
    return taking == len(option) - 1


def split(words: Sequence[Token]) -> list[Token] | None:
    """The words that `env -S` makes of one word, and those behind it; None without that option."""
    for at, word in enumerate(words):
        if found := _SPLIT.fullmatch(word.text):
            one = found[1] or (words[at + 1].text if at + 1 < len(words) else "")
            return [*tokens(one), *words[at + (1 if found[1] else 2) :]]
        if not word.text.startswith("-") and not is_setting(word):
            return None
    return None


def stand_ins(options: Sequence[str]) -> list[str]:
    """What stands for the words of the pipe in the command of `xargs` or `parallel`."""
    found = ["{}"]
    for at, option in enumerate(options):
        if option in ("-I", "--replace"):
            found += options[at + 1 : at + 2]
        elif option.startswith("-I"):
            found.append(option[2:])
    return [one for one in found if one]


def is_code_of(option: str, stands: Sequence[str]) -> bool:
    """Whether an interpreter's option has code that is put together with the words of the pipe."""
    return _CODE.fullmatch(option) is not None or (
        option.startswith("-") and any(one in option for one in stands)
    )
