"""Programs that run another one, which their words name: `sudo`, `env`, `xargs`, `docker exec`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from skillclaw.gate.shell_words import Token, tokens

__all__ = [
    "UV_RUN",
    "Wrapper",
    "behind",
    "elsewhere",
    "is_code_of",
    "is_setting",
    "split",
    "stand_ins",
    "wrapper",
]


class Wrapper(NamedTuple):
    """The options that take the word behind them (their letters, and the long ones), how many words of its
    own come before the other program, and whether the pipe becomes the other's words."""

    letters: str = ""
    names: str = ""
    own: int = 0
    as_words: bool = False


_SUDO = Wrapper(
    "CDghpRrTtUu", "user group host prompt chroot chdir role type other-user command-timeout close-from"
)
_PLAIN = Wrapper()
_JUST_RUN = (
    *("command", "builtin", "nohup", "setsid", "unbuffer", "busybox", "chronic", "rlwrap"),
    *("torsocks", "proxychains", "firejail", "arch", "caffeinate", "pkexec", "run0", "setpriv", "fakeroot"),
    *("xvfb-run", "coproc", "noglob", "prlimit", "unshare", "nsenter", "systemd-run", "wsl"),
)
_PROJECTS = (
    *("poetry", "pipenv", "pdm", "hatch", "rye", "pixi", "bundle", "mise"),
    *("conda", "mamba", "micromamba"),
)
"""Programs that run another in a project's, or their own, environment."""
_PROJECT = Wrapper("npCe", "name prefix directory environment")
_WRAPPERS = {
    **dict.fromkeys(_JUST_RUN, _PLAIN),
    "npx": Wrapper("pc", "package call"),
    "bunx": _PLAIN,
    "gosu": Wrapper(own=1),
    "su-exec": Wrapper(own=1),
    "arch-chroot": Wrapper(own=1),
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
    "xargs": Wrapper("adEIJLnPRSs", "arg-file delimiter max-args max-procs max-chars", as_words=True),
    "parallel": Wrapper(
        "jaNInPSL",
        "jobs arg-file joblog timeout delay colsep halt results sshlogin workdir tmpdir retries max-procs",
        as_words=True,
    ),
}
_WITH_WORD = {
    **{(name, word): _PROJECT for name in _PROJECTS for word in ("run", "exec")},
    **{
        (name, word): Wrapper("pc", "package call")
        for name in ("npm", "pnpm", "yarn", "bun")
        for word in ("exec", "dlx", "x")
    },
}
_MACHINES: dict[str, tuple[str, ...]] = {
    "ssh": (),
    **dict.fromkeys(["docker", "docker-compose", "podman", "nerdctl"], ("exec", "run")),
    **dict.fromkeys(["kubectl", "oc", "lxc", "multipass", "vagrant"], ("exec", "run", "ssh")),
}
"""Programs that run another one elsewhere, and behind which of their words."""
UV_RUN = Wrapper(
    "pw",
    "with python extra group env-file directory project package with-requirements index-url with-editable",
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
        if text.startswith("-"):
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
    skip = False
    for at, word in enumerate(words):
        if skip:
            skip = False
        elif found := _SPLIT.fullmatch(word.text):
            one = found[1] or (words[at + 1].text if at + 1 < len(words) else "")
            return [*tokens(one), *words[at + (1 if found[1] else 2) :]]
        elif not word.text.startswith("-") and not is_setting(word):
            return None
        else:
            skip = _takes_next(word.text, _WRAPPERS["env"])
    return None


def elsewhere(name: str, rest: Sequence[Token]) -> Sequence[Token] | None:
    """The words among which another machine, or a container, is told what to run; None for other programs."""
    if name not in _MACHINES:
        return None
    if not (words := _MACHINES[name]):
        return rest
    at = next((at for at, one in enumerate(rest[:9]) if one.text in words), None)
    return None if at is None else rest[at + 1 :]


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
