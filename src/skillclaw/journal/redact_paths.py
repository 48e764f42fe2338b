"""Home folders and user names: the person's own home becomes `~`, names in others' homes `<user>`."""

# ruff: noqa: E501, SIM905  (one rule a line reads best)

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import PurePath

from skillclaw.journal.redact_text import HOLE, Masker

__all__ = ["PathRule", "path_rules"]

PathRule = Callable[[str, Masker], str]
"""Masks home folders and user names in a text."""

_SHARED_HOMES = frozenset(
    """
    shared public default all users runner runneradmin ubuntu ec2-user vscode node user username
    linuxbrew circleci jovyan app docker git www-data vagrant gitpod codespace youruser yourname
    jenkins gradle coder airflow postgres oracle pi deploy site nonroot developer build builder
    gitlab-runner containeradministrator containeruser administrator vssadministrator
    you me name root page index about dashboard settings
    """.split()
)
_HOMES = ("home", "users", "documents and settings")
_OTHER_HOME = re.compile(
    rf"(?P<head>(?:(?:(?<![\w.-])|(?<=\\[nrt])|(?<=\n-)|(?<=\\n-)|(?<=[ \"']-[A-Za-z])|(?<=\n-[A-Za-z])|(?<=\A-[A-Za-z])|(?<=\\n-[A-Za-z])|(?<=://file))/(?:(?:var|export|usr|data|nfs|mnt/\w{{1,30}}|media/\w{{1,30}})/)?|(?i:wsl(?:\$|\.localhost))[\\/]{{1,4}}[\w.-]{{1,40}}[\\/]{{1,4}})home(?:/|\\{{1,16}})|/Users/|(?P<windows>(?:(?:(?<![A-Za-z])|(?<=\\[nrt]))[A-Za-z]:|\\{{2,32}}[\w.-]{{1,60}}(?:\\{{1,16}}[A-Za-z]\$)?)(?:\\{{1,16}}|/)(?i:Users|Documents and Settings)(?:\\{{1,16}}|/))|%2F(?:home|Users)%2F)"
    rf"(?P<v>[^\s/\\:\"'`<>|*?$%{{}}()\[\],;{HOLE}]{{1,64}}(?: [A-Z][^\s/\\:\"'`<>|*?{HOLE}]{{0,40}}(?=\\|(?(windows)/|\\)))?)"
)


def _is_person(name: str) -> bool:
    return (
        name.lower() not in _SHARED_HOMES
        and not name.isdigit()
        and any(char.isalnum() for char in name)
        and not name.lower().endswith((".html", ".php", ".js", ".ts", ".tsx", ".jsx", ".md", ".css"))
    )


def path_rules(home: PurePath, names: Iterable[str]) -> PathRule:
    """What masks this machine's home folder (`~`), its users' names, and the names in other people's homes.

    A name is masked where it stands as one: in a path, before `@` in a prompt, as git's author, in what `ls -l`,
    `id` and `env` print; not in running text, where it may be an ordinary word.
    """
    homes = _home_pattern(home)
    last = home.name.lower()
    names = sorted({name for name in names if len(name) >= 2}, key=len, reverse=True)
    own = _name_pattern(names) if names else None
    needles = tuple(names)

    def mask(text: str, masker: Masker) -> str:
        folded = text.lower()
        if homes is not None and last in folded:
            text = homes.sub(lambda m: masker.name("home", "~"), text)
        if any(needle in folded for needle in _HOMES):
            text = _OTHER_HOME.sub(
                lambda m: m["head"] + masker.name("user", "<user>") if _is_person(m["v"]) else m[0], text
            )
        if own is not None and (
            any(needle in text for needle in needles) or "-home-" in text or "-Users-" in text
        ):
            text = own.sub(lambda m: (m["head"] or "") + masker.name("user", "<user>"), text)
        return text

    return mask


def _home_pattern(home: PurePath) -> re.Pattern[str] | None:
    parts = [part for part in re.split(r"[\\/]+", str(home)) if part]
    if len(parts) < 2:
        return None  # `/root` says nothing about a person, and `/` is everything
    separator = r"(?:\\{1,4}|/|%2F|%5C)"
    if re.fullmatch(r"[A-Za-z]:", parts[0]):
        drive = rf"(?:{parts[0][0]}:|/{parts[0][0]}|/mnt/{parts[0][0]})"
        body = drive + separator + separator.join(re.escape(part) for part in parts[1:])
        return re.compile(rf"(?i)(?<![\w.~-]){body}(?![\w.-]*\w)")
    body = separator + separator.join(re.escape(part) for part in parts)
    return re.compile(rf"(?<![\w.~-]){body}(?![\w-]|\.\w)")


def _name_pattern(names: list[str]) -> re.Pattern[str]:
    name = "(?:" + "|".join(re.escape(name) for name in names) + ")"
    # Agents name folders after paths, with a dash for what is neither letter nor digit.
    dashed = "|".join(sorted({re.escape(re.sub(r"[^A-Za-z0-9]", "-", name)) for name in names}))
    fields = r"\b(?:USER|LOGNAME|USERNAME|SUDO_USER|user\.name|Author|User)(?:=|: {0,8}| )[\"']?"
    listed = r"^[dlcbps-][rwxsStT-]{9}[.+@]? {1,8}\d{1,6} {1,8}"
    return re.compile(
        rf"(?m:(?P<head>[\\/]|-home-|-Users-|\b[ug]id=\d{{1,10}}\(|{fields}|{listed}|[{HOLE}] {{1,8}}(?={name} )){name}(?!\w|\.\w)"
        rf"|(?<=-home-)(?:{dashed})(?!\w)|(?<=-Users-)(?:{dashed})(?!\w)"
        rf"|(?:^|(?<=\\n)){name}(?=[ \t]{{0,8}}(?:\r?$|\\[nr]))"
        rf"|(?<![\w.+%@-]){name}(?=@[A-Za-z0-9{HOLE}]))"
    )
