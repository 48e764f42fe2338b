"""Whether the upstreams that the settings name can be reached: by name, by port and by TLS. Nothing is asked
of them and no key is sent; they are numbered in the order of the settings, and never named.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
import urllib.request
from urllib.parse import urlsplit

from skillclaw.server.deep.records import Check, ok, warn
from skillclaw.settings import Settings

__all__ = ["upstreams"]

WAIT = 4.0
"""Seconds for all of them together."""
MOST = 20
MEND = "Look at the URL in the settings (skillclaw config show), at your network and at the clock"
FINE = "answers"
BEHIND = "is not looked at: a proxy of your network stands before it (HTTPS_PROXY)"
_LOCAL = ("localhost", "127.", "::1")

Place = tuple[str, str, int]


def upstreams(settings: Settings) -> list[Check]:
    """One line for each; a warning where one cannot be reached, since a network may be away for a while."""
    places = _places(settings)
    if not places:
        return []
    said: dict[Place, str] = {}

    def look(place: Place) -> None:
        said[place] = _reached(place)

    # a look-up of a name cannot be ended: who is late is left behind
    looking = [threading.Thread(target=look, args=(place,), daemon=True) for place in places[:MOST]]
    for one in looking:
        one.start()
    until = time.monotonic() + WAIT + 0.5
    for one in looking:
        one.join(max(0.0, until - time.monotonic()))
    found = []
    for number, place in enumerate(places[:MOST], 1):
        text = said.get(place, f"said nothing in {WAIT:.0f} s")
        well, subject = text.startswith((FINE, BEHIND)), f"upstream {number}"
        found.append(ok("network", subject, text) if well else warn("network", subject, text, MEND))
    return found


def _places(settings: Settings) -> list[Place]:
    urls = [agent.upstream or "" for agent in settings.agents.values()]
    urls += [one.url for one in settings.upstreams.values()]
    found: dict[Place, None] = {}
    for url in urls:
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:  # a URL that is none; `doctor` tells it
            continue
        if parts.scheme in ("http", "https") and parts.hostname:
            found[parts.scheme, parts.hostname, port] = None
    return list(found)


def _reached(place: Place) -> str:
    scheme, host, port = place
    if _is_proxied(scheme, host):
        return BEHIND
    try:
        with socket.create_connection((host, port), timeout=WAIT) as plain:
            if scheme == "http":
                return f"{FINE}, without TLS"
            with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as safe:
                return f"{FINE} by {safe.version() or 'TLS'}"
    except (OSError, ValueError) as error:  # ValueError: a name that no name can be
        return _why(error)


def _is_proxied(scheme: str, host: str) -> bool:
    if host.startswith(_LOCAL):
        return False
    proxies = urllib.request.getproxies_environment()
    named = proxies.get(scheme) or proxies.get("all")
    return bool(named) and not urllib.request.proxy_bypass_environment(host)  # type: ignore[attr-defined]


def _why(error: OSError | ValueError) -> str:
    """In words of our own: what an error says may hold the name."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return "cannot be reached: its name is not known"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"shows a certificate that is not accepted (OpenSSL's number {error.verify_code})"
    if isinstance(error, TimeoutError):
        return f"said nothing in {WAIT:.0f} s"
    if isinstance(error, ssl.SSLError):
        return f"does not speak TLS as it should ({type(error).__name__})"
    return f"cannot be reached ({type(error).__name__})"
