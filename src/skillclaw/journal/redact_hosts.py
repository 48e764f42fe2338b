"""Hosts and ports of a session on its way to a group: masked unless the group lists them.

A host is what stands where only a host can: in a URL, after `user@`, before a port, after `ssh`. Wherever
else the same name stands in the session it is masked too. Loopback names tell nothing and stay, with ports.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from skillclaw.journal.redact_text import Masker
from skillclaw.journal.redact_walk import is_word, walk
from skillclaw.trajectory.model import Trajectory

__all__ = ["mask_hosts"]

_LABEL = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL}){{0,10}}|\[[0-9A-Fa-f:.]{{2,45}}\])"
_PLACES = (
    re.compile(
        rf"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{{1,20}}://(?:[^\s/@<>\"']{{0,200}}@)?(?P<v>{_HOST})"
    ),
    re.compile(rf"(?<![\w.])[A-Za-z_][\w.-]{{0,63}}@(?P<v>{_HOST})"),
    # A dot tells a host from the many other things that stand before a colon and a number.
    re.compile(
        r"(?<![\w./-])(?P<v>(?:[A-Za-z0-9_-]{1,63}\.){1,10}[A-Za-z][A-Za-z0-9-]{1,62}):\d{2,5}(?![\w.:])"
    ),
    re.compile(
        r"(?i)(?<![\w-])(?:ssh|curl|wget|ping|nc|telnet|dig|nslookup|host(?:name)?:?|resolve|lookup|"
        r"connect(?:ing)? to)[ \t]+[\"']?"
        r"(?P<v>(?:[A-Za-z0-9_-]{1,63}\.){1,10}[A-Za-z][A-Za-z0-9-]{1,62})(?![\w-]|\.\w|[\\/]\w)"
    ),
)
_SOURCE = re.compile(
    r"\.(?:py|js|ts|tsx|jsx|mjs|cjs|go|rs|java|kt|c|cc|cpp|h|hpp|rb|php|sh|md|txt|json|ya?ml|toml|cs|swift|scala|sql|"
    r"html?|css|lua|pl|ex|exs|erl|hs|ml|vue|svelte|log|lock|ini|cfg|conf|xml|csv)\Z"
)
"""`main.py:12` is a place in a file."""
_LOOPBACK = re.compile(r"(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|0\.0\.0\.0|\[::1?\])\Z")


def mask_hosts(
    given: Trajectory, client_key: bytes, listed: Collection[str] = ()
) -> tuple[Trajectory, Counter[str]]:
    """The session with its hosts as `<host:digest>`, and how many there were. `listed` ones stay.

    A listed host stands for itself, and with a leading dot for all below it.
    """
    known = {host.casefold() for host in listed}
    hosts: set[str] = set()

    def look(text: str) -> str:
        if ":" in text or "@" in text or "." in text:
            for number, pattern in enumerate(_PLACES):
                for match in pattern.finditer(text):
                    host = match["v"].casefold()
                    if not (number >= 2 and _SOURCE.search(host)) and not _stays(host, known):
                        hosts.add(host)
        return text

    # Words such as `anthropic.claude-v2:0` have the form of a host.
    walk(given, look, lambda link: link if is_word(link) else look(link), None)
    counts: Counter[str] = Counter()
    if not hosts:
        return given, counts
    ordered = sorted(hosts, key=lambda host: (-len(host), host))
    anywhere = re.compile(
        rf"(?<![\w.-])(?:{'|'.join(map(re.escape, ordered))})(?::\d{{1,5}})?(?![\w-]|\.\w)", re.IGNORECASE
    )

    def mask(text: str) -> str:
        if not anywhere.search(text):
            return text
        masker = Masker(client_key)
        done = anywhere.sub(
            lambda match: match[0] if _bare(match) else masker.mask("host", match[0].casefold()),
            masker.open(text),
        )
        counts.update(masker.counts)
        return masker.close(done)

    return walk(given, mask, mask, None), counts


def _bare(match: re.Match[str]) -> bool:
    """A name without a dot is an ordinary word too: it counts only where a host can stand."""
    found = match[0]
    if "." in found or found.startswith("["):
        return False
    before = match.string[max(0, match.start() - 3) : match.start()]
    return not (before.endswith(("://", "@")) or ":" in found)


def _stays(host: str, known: set[str]) -> bool:
    if _LOOPBACK.match(host) or host in known:
        return True
    return any(one.startswith(".") and host.endswith(one) for one in known)
