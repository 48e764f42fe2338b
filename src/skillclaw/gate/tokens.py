"""Access tokens that a command sends to another place than they are for.

To send `$GITHUB_TOKEN` to api.github.com in the header that asks for it is what the token is for. The same to
any other host, or anywhere else in the request, gives it away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

__all__ = ["astray"]

_SENDS = re.compile(
    r"\b(?:curl|wget|nc|ncat|netcat|scp|rsync|ftp|sftp|Invoke-WebRequest|Invoke-RestMethod|iwr|irm)\b",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"\$\{?(?:env:)?(\w*(?:TOKEN|SECRET|PASSWORD|API_?KEY|CREDENTIAL)\w*?)(?=https?://|\W|$)", re.IGNORECASE
)
_URL = re.compile(r"https?://(?!localhost|127\.)(?:[^/\s@\"'`]{0,100}@)?([\w.-]*)", re.IGNORECASE)
_HEADER = re.compile(
    r"(?:\bauthorization\s?:\s?(?:(?:bearer|token|basic|bot|apikey)\s)?|\bx-[\w-]{0,40}(?:key|token)\s?:\s?"
    r"|\b(?:private-token|job-token|deploy-token|api-?key)\s?:\s?"
    r"|(?:\s-u|\s--user)[\s=][\"']?(?:[\w.$-]{0,60}:)?)$",
    re.IGNORECASE,
)
_ANY_TEXT = """
access admin api apikey app auth bearer bot client credential credentials deploy dev id jwt key my oauth
only pass password pat personal prod read refresh secret service session staging test token user write
"""
_ANY = frozenset(_ANY_TEXT.split())
"""Words in a token's name that do not say whose it is."""
_SECOND = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})


def astray(text: str) -> Iterator[str]:
    """Each command of `text`, as far as it goes in its line, that sends a token to where it is not for."""
    for line in text.split("\n"):
        starts = [match.start() for match in _SENDS.finditer(line)]
        for start, end in pairwise([*starts, len(line)]):
            command = line[start:end]
            hosts = [match[1].lower() for match in _URL.finditer(command)]
            tokens = [*_TOKEN.finditer(command)]
            if hosts and any(not _belongs(one, command, hosts) for one in tokens):
                yield command


def _belongs(token: re.Match[str], command: str, hosts: list[str]) -> bool:
    if not _HEADER.search(command[: token.start()]):
        return False
    whose = [word for word in token[1].lower().split("_") if word and word not in _ANY]
    return not whose or all(_owner(host) in {*whose, "".join(whose)} for host in hosts)


def _owner(host: str) -> str:
    """`github` of api.github.com, `shop` of www.shop.co.uk."""
    labels = host.strip(".").split(".")[:-1]
    if len(labels) > 1 and labels[-1] in _SECOND:
        labels = labels[:-1]
    return labels[-1] if labels else ""
