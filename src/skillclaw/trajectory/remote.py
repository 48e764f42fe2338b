"""Whether what a call gave back was written elsewhere: a web page, an issue, a mail, another machine.

What a program of this machine says of itself (its help, its errors) or a file of the project holds is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from skillclaw.trajectory.shapes import command_of
from skillclaw.trajectory.shell import Simple, parse
from skillclaw.trajectory.text import word_set
from skillclaw.trajectory.web import PROGRAMS, host_of, is_web_tool

__all__ = ["downloads", "is_remote"]

WEB = "web"
"""`ResultMeta.taint` of a result whose text somebody elsewhere wrote."""

_TOOL = word_set(
    "mcp web www browser browse url urls fetch webfetch websearch http https internet crawl crawler scrape "
    "scraper issue issues ticket tickets jira confluence slack discord telegram email emails mail mails "
    "inbox rss feed"
)
"""A word of a tool's name that says that it reads what others wrote."""
_NAME = re.compile(r"[A-Za-z][a-z]*|[A-Z]+(?![a-z])")
_SHOWS = PROGRAMS | word_set("lynx w3m links elinks gh glab hub jira ssh gsutil finger whois dig nslookup")
_REGISTRIES = {
    "npm": word_set("view info show search docs"),
    "pip": word_set("index search"),
    "cargo": word_set("search info"),
}
_WITHIN = re.compile(r"(?:\$\(|`|<\()\s*(?:curl|wget|gh|glab|lynx|w3m|ssh)\b")
"""A command within a command, which is not taken apart."""
_LOCAL = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[?::1\]?)(?::\d+)?", re.I)
_PORT = re.compile(r":\d{2,5}")
"""httpie's word for a port of this machine."""
_ELSEWHERE = re.compile(
    r"(?:[\w-]+\.)+[A-Za-z]{2,}(?::\d+)?|(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?", re.I
)
_OUTPUT = re.compile(r"(?:^|\s)(?:-o|--output|--output-document|-O|>{1,2})[= ]?\s*['\"]?([^\s'\"|;&]{2,200})")
_RUN = re.compile(r"[^\s'\"]+")
_NAME_IN_URL = re.compile(r"/([^/?#]{2,200})")


def is_remote(tool: str, arguments: dict[str, Any], taint: str | None = None) -> bool:
    """Whether the result of this call holds text from elsewhere. `taint` is what the result's source said."""
    if taint == WEB:
        return True
    command = command_of(tool, arguments)
    if command is not None:
        return any(_shows(simple) for simple in parse(command)) or bool(_WITHIN.search(command))
    if is_web_tool(tool, arguments):
        return not _LOCAL.fullmatch(host_of(str(arguments.get("url") or arguments.get("uri") or "")))
    return bool({word.lower() for word in _NAME.findall(tool)} & _TOOL)


def downloads(tool: str, arguments: dict[str, Any]) -> set[str]:
    """The names of the files that a shell command wrote what it fetched into, without their folders."""
    command = command_of(tool, arguments)
    if command is None or not is_remote(tool, arguments):
        return set()
    found = {name.rsplit("/", 1)[-1] for name in _OUTPUT.findall(command)}
    found |= {name for run in _RUN.findall(command) if (name := _last(run))}
    return {name for name in found if len(name) > 1 and not name.startswith("-")}


def _last(run: str) -> str | None:
    """The last name of the path, where `run` holds an address."""
    names: list[str] = _NAME_IN_URL.findall(run.partition("://")[2])
    return names[-1] if names else None


def _shows(simple: Simple) -> bool:
    if not simple.words:
        return False
    program = simple.words[0].rsplit("/", 1)[-1].lower()
    if program in PROGRAMS:
        return not _stays_here(simple.words[1:])
    if program in _REGISTRIES:
        return len(simple.words) > 1 and simple.words[1] in _REGISTRIES[program]
    return program in _SHOWS


def _stays_here(words: Sequence[str]) -> bool:
    """Whether an HTTP request goes to this machine: it names it, and no other."""
    hosts = [host_of(word) or word.split("/", 1)[0] for word in words if not word.startswith("-")]
    here = [host for host in hosts if _LOCAL.fullmatch(host) or _PORT.fullmatch(host)]
    return bool(here) and not any(_ELSEWHERE.fullmatch(host) for host in hosts if host not in here)
