"""Whether what a call gave back was written elsewhere: a web page, an issue, a mail, another machine.

What a program of this machine says of itself (its help, its errors) or a file of the project holds is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from skillclaw.trajectory.shapes import command_of
from skillclaw.trajectory.shell import parse
from skillclaw.trajectory.text import word_set
from skillclaw.trajectory.web import PROGRAMS, host_of, is_web_tool

__all__ = ["downloads", "is_remote"]

WEB = "web"
"""`ResultMeta.taint` of a result whose text somebody elsewhere wrote."""

_TOOL = word_set(
    "mcp web www browser browse url urls fetch webfetch websearch http https internet crawl crawler scrape "
    "scraper issue issues ticket tickets jira confluence slack discord telegram email emails mail mails "
    "inbox rss feed gmail outlook imap whatsapp wechat chat notion wiki wikipedia github gitlab bitbucket "
    "linear navigate google bing duckduckgo tavily serpapi firecrawl reddit twitter youtube stackoverflow "
    "arxiv trello asana clickup zendesk intercom sharepoint gdrive msteams"
)
"""A word of a tool's name that says that it reads what others wrote."""
_UNLESS = {
    "chat": word_set("completion completions model models template format"),
    "google": word_set("style format formatter test tests"),
    "linear": word_set(
        "regression algebra model fit solve solver scale interpolate interpolation gradient layer equation "
        "equations programming search algorithm"
    ),
    "navigate": word_set(
        "tree node symbol symbols definition references file files folder directory code ast menu"
    ),
}
"""What beside such a word says that it means something of this machine, as in `navigate_tree`."""
_BESIDE = {"teams": word_set("read message messages channel channels post posts thread threads meeting")}
"""Words that say so only beside another: `teams_read`, but not `list_teams` of a club."""
_NAME = re.compile(r"[A-Za-z][a-z]*|[A-Z]+(?![a-z])")
_FETCHERS = PROGRAMS | word_set("aria2c axel curlie")
_SHOWS = word_set("lynx w3m links elinks gh glab hub jira ssh gsutil finger whois dig nslookup")
# Not here, though they reach another machine: `git fetch`, `git pull`, `git clone` and `docker pull` print
# progress, and what they bring is the project's or an image. `docker logs` is a program of this machine.
# `kubectl get` and `describe` list what is set up, as `docker ps` does; logs hold whatever a request held.
# `gem info` and `gem specification` ask what is installed, unless told otherwise.
_ASKS = {
    "npm": word_set("view info show search docs"),
    "pnpm": word_set("view info show search docs"),
    "yarn": word_set("info npm/info npm/search"),
    "bun": word_set("info pm/view"),
    "pip": word_set("index search"),
    "cargo": word_set("search info"),
    "gem": word_set("search"),
    "docker": word_set("search"),
    "podman": word_set("search"),
    "helm": word_set("search/hub"),
    "kubectl": word_set("logs exec"),
    "gcloud": word_set("storage/cat logging/read"),
    "aws": word_set("logs/tail logs/get-log-events logs/filter-log-events"),
}
"""What of a program shows what others wrote: its first word that is no option, or the first two."""
_ASKS["pip3"] = _ASKS["pip"]
_ASKS["oc"] = _ASKS["kubectl"]
_ASKS_WITH = {"gem": (word_set("info list query specification"), word_set("-r --remote -b --both"))}
"""What does so with one of these options only."""
_TAKES = {
    "xargs": word_set("-n -I -P -L -d -E -a -s"),
    "parallel": word_set("-j -a -N"),
    "watch": word_set("-n"),
    "npm": word_set("--prefix -C -w --workspace"),
    "pnpm": word_set("-C --dir --filter -F"),
    "yarn": word_set("--cwd"),
    "docker": word_set("--context -c -H --host"),
    "kubectl": word_set("-n --namespace --context --cluster --kubeconfig --user"),
    "aws": word_set("--profile --region --output --endpoint-url"),
    "gcloud": word_set("--project --account"),
}
"""Options before a program's first word that have a value behind them."""
_FRONTS = word_set("xargs parallel busybox watch")
"""Programs that run another one, which their words name."""
_RUNNERS = word_set("uv poetry pdm hatch pipenv rye")
"""The same, behind the word `run`."""
_SHELLS = word_set("sh bash zsh dash")
_PYTHON = re.compile(
    r"\b(?:requests\.(?:get|post|request|Session)|httpx\.(?:get|post|request|stream|Client|AsyncClient)|"
    r"aiohttp\.ClientSession|urllib3\.(?:request|PoolManager)|HTTPS?Connection|urlopen|urlretrieve)\("
)
_SCRIPT = re.compile(r"(?<![\w.])(?:fetch|axios|got)\(|\b(?:axios|https?)\.(?:get|post|request)\(")
_CODE = {
    "python": _PYTHON,
    "python3": _PYTHON,
    "node": _SCRIPT,
    "bun": _SCRIPT,
    "deno": _SCRIPT,
    "ruby": re.compile(r"\bNet::HTTP\.(?:get|start|new)|\bURI\.open\(|['\"]open-uri['\"]"),
    "perl": re.compile(r"\bLWP::|\bHTTP::Tiny\b"),
    "php": re.compile(r"\bcurl_exec\(|\bfile_get_contents\(['\"]https?:"),
}
"""What in a program's text, where it stands in the command, asks another machine. To import is not to ask."""
_GIVEN = word_set("-c -e -p -r -pe -ne --eval --print eval")
_HOSTS = re.compile(r"://([^/?#\s'\"]{1,255})")
_WITHIN = re.compile(
    r"(?:\$\(|`|<\()\s*(?:(?:curl|wget|aria2c|gh|glab|lynx|w3m|ssh|gsutil)\b|p?npm\s+(?:view|info|show)\b|"
    r"yarn\s+info\b)"
)
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
        simples = parse(command)
        if any(_shows(simple.words) for simple in simples) or _WITHIN.search(command):
            return True
        return "<<" in command and any(_reads_on(simple.words, command) for simple in simples)
    if is_web_tool(tool, arguments):
        return not _LOCAL.fullmatch(host_of(str(arguments.get("url") or arguments.get("uri") or "")))
    return _named(tool)


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


def _named(tool: str) -> bool:
    """Whether the words of a tool's name say that it reads what others wrote."""
    names = [word.lower() for word in _NAME.findall(tool)]
    # `GitHub` is written as two words and meant as one.
    words = {*names, *(a + b for a, b in pairwise(names))}
    if any(not words & _UNLESS.get(word, frozenset()) for word in words & _TOOL):
        return True
    return any(words & _BESIDE[word] for word in words & _BESIDE.keys())


def _shows(words: Sequence[str], depth: int = 3) -> bool:
    """Whether a simple command of these words prints what others wrote. Programs that run another one are
    followed `depth` times."""
    if not words:
        return False
    program = _program(words)
    if program in _FETCHERS:
        return not _stays_here(words[1:])
    if program in _SHOWS:
        return True
    rest = _operands(program, words[1:])
    if depth and (inner := _run_by(program, words, rest)):
        return any(_shows(one, depth - 1) for one in inner)
    if program in _CODE:
        given = next((i for i, word in enumerate(words[1:4], 1) if word in _GIVEN), 0)
        return bool(given) and _asks_elsewhere(program, " ".join(words[given + 1 :]))
    if program == "aws" and rest[:2] in (["s3", "cp"], ["s3", "mv"], ["s3", "sync"]):
        return len(rest) > 2 and rest[2].startswith("s3://")  # the other way it only uploads
    if program in _ASKS_WITH:
        asked, options = _ASKS_WITH[program]
        if asked & {*rest[:1]} and options & {*words}:
            return True
    return bool(_ASKS.get(program, frozenset()) & {*rest[:1], "/".join(rest[:2])})


def _program(words: Sequence[str]) -> str:
    name = words[0].rsplit("/", 1)[-1].lower()
    return "python" if name.startswith("python3.") else name


def _operands(program: str, words: Sequence[str]) -> list[str]:
    """The words from the first on that is neither an option nor an option's value; of those, no options."""
    takes = _TAKES.get(program, frozenset())
    skip = False
    for i, word in enumerate(words):
        if not skip and not word.startswith("-"):
            return [word, *(other for other in words[i + 1 :] if not other.startswith("-"))]
        skip = not skip and word in takes
    return []


def _run_by(program: str, words: Sequence[str], rest: list[str]) -> list[Sequence[str]]:
    """The commands that this one runs, where it is there to run another."""
    if not rest:
        return []
    at = words.index(rest[0], 1)
    if program in _FRONTS:
        return [words[at:]]
    if program in _RUNNERS and rest[0] == "run":
        return [words[at + 1 :]]
    if program in _SHELLS and "-c" in words[1:at]:
        return [simple.words for simple in parse(rest[0])]
    if program in ("python", "python3") and words[1] == "-m":
        return [words[2:]]
    return []


def _reads_on(words: Sequence[str], command: str) -> bool:
    """Whether a program whose text is a here-document of the command asks another machine in it."""
    if not words or words[1:] not in ((), ("-",)) or _program(words) not in _CODE:
        return False
    return _asks_elsewhere(_program(words), command)


def _asks_elsewhere(program: str, text: str) -> bool:
    if not _CODE[program].search(text):
        return False
    hosts = _HOSTS.findall(text)
    return not hosts or not all(_LOCAL.fullmatch(host) for host in hosts)


def _stays_here(words: Sequence[str]) -> bool:
    """Whether an HTTP request goes to this machine: it names it, and no other."""
    hosts = [host_of(word) or word.split("/", 1)[0] for word in words if not word.startswith("-")]
    here = [host for host in hosts if _LOCAL.fullmatch(host) or _PORT.fullmatch(host)]
    return bool(here) and not any(_ELSEWHERE.fullmatch(host) for host in hosts if host not in here)
