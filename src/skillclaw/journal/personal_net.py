"""Addresses of machines on the internet. What names no machine of somebody stays: loopback, private and
documentation networks, the public resolvers, and version numbers that look like an address.
"""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import re
from ipaddress import IPv4Address, ip_address

from skillclaw.journal.redact_text import Masker

__all__ = ["mask_addresses"]

_RESOLVERS = frozenset(
    ip_address(text)
    for text in (
        *("1.1.1.1", "1.0.0.1", "1.1.1.2", "1.1.1.3", "8.8.8.8", "8.8.4.4", "9.9.9.9", "149.112.112.112"),
        *("208.67.222.222", "208.67.220.220", "94.140.14.14", "94.140.15.15", "64.6.64.6", "64.6.65.6"),
        *(
            "4.2.2.1",
            "4.2.2.2",
            "114.114.114.114",
            "114.114.115.115",
            "223.5.5.5",
            "223.6.6.6",
            "119.29.29.29",
        ),
        *("180.76.76.76", "76.76.2.0", "76.76.10.0", "185.228.168.9", "100.100.100.100", "168.63.129.16"),
        *("2001:4860:4860::8888", "2001:4860:4860::8844", "2606:4700:4700::1111", "2606:4700:4700::1001"),
        *("2620:fe::fe", "2620:fe::9", "2620:119:35::35", "2620:119:53::53", "2400:3200::1"),
    )
)
"""Public DNS services, and the metadata and resolver addresses of clouds."""
_V4 = re.compile(
    r"(?:(?<![\w.-])|(?<=\n-)|(?<=\\n-))(?P<v>(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3})"
    r"(?P<port>:\d{1,5}\b)?(?!\w|\.\d|-\d|-[A-Za-z]+\d)"
)
_MAYBE_V4 = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_MAYBE_DASHED = re.compile(r"-[0-9]{1,3}-[0-9]{1,3}-[0-9]{1,3}-[0-9]{1,3}[.-]")
_V4_ESCAPED = re.compile(r"(?<=\\[nrt])(?P<v>(?:\d{1,3}\.){3}\d{1,3})(?![\w.]\d)(?!\w)")
_V4_DASHED = re.compile(
    r"(?<![A-Za-z0-9])(?:ec2|ip|host|static|dyn|pool|cpe)-(?P<v>\d{1,3}(?:-\d{1,3}){3})(?=[.-][a-z])"
)
_V6 = re.compile(
    r"(?P<v>[23](?:(?<![\w:.].)|(?<=\\[nrt].))[0-9a-fA-F]{3}:[0-9a-fA-F:]{2,34}(?:(?:\d{1,3}\.){3}\d{1,3})?)(?![\w:])"
)
_VERSION_BEFORE = re.compile(
    r"(?i)(?:\b(?:versions?|ver|release|rev|build|firmware|driver|v|section|chapter|table|figure|oid|nuget|package|upgraded?|assembly\w*)"
    r"\b[\"'\s:=(<>~^-]{0,6}(?:to |from )?|[=~<>^]=\s?|[A-Za-z]/|@|\bv)\Z"
)
_ADDRESS_BEFORE = re.compile(
    r"(?i)(?:\b(?:ip|ipv4|host|addr|address|inet|from|peer|client|remote|server|ping|ssh|nslookup)\b\W{0,4}|//|@|\b[A-Z]=)\Z"
)
SMALL = 20
"""Four numbers that are all below this are a version, unless the words before say that they are an address."""


def mask_addresses(text: str, masker: Masker) -> str:
    """The text with public addresses masked; the port stays."""
    if text.count(".") >= 3 and _MAYBE_V4.search(text):
        text = _V4.sub(lambda m: _v4(m, text, masker), text)
        if "\\" in text:
            text = _V4_ESCAPED.sub(lambda m: _v4(m, text, masker), text)
    if "-" in text and _MAYBE_DASHED.search(text):
        text = _V4_DASHED.sub(lambda m: _dashed(m, masker), text)
    if text.count(":") >= 2:
        text = _V6.sub(lambda m: _v6(m, masker), text)
    return text


def _v4(match: re.Match[str], text: str, masker: Masker) -> str:
    value = match["v"]
    if not _is_public(value):
        return match[0]
    before = text[max(0, match.start() - 40) : match.start()]
    address = match[0] != value or _ADDRESS_BEFORE.search(before) is not None
    if not address and (_VERSION_BEFORE.search(before) or _is_version(value)):
        return match[0]
    return masker.mask("ip", value) + match[0][len(value) :]


def _is_version(value: str) -> bool:
    """Whether four numbers are rather a version: all small, or the first small and hardly one large."""
    parts = [int(part) for part in value.split(".")]
    return max(parts) < SMALL or (parts[0] < SMALL and sum(part >= 3 * SMALL for part in parts) < 2)


def _dashed(match: re.Match[str], masker: Masker) -> str:
    if not _is_public(match["v"].replace("-", ".")):
        return match[0]
    at = match.start("v") - match.start()
    return match[0][:at] + masker.mask("ip", match["v"], match["v"].replace("-", "."))


def _v6(match: re.Match[str], masker: Masker) -> str:
    value = match["v"].rstrip(":") if not match["v"].endswith("::") else match["v"]
    if not _is_public(value):
        return match[0]
    return masker.mask("ip", value, value.lower()) + match["v"][len(value) :]


def _is_public(value: str) -> bool:
    """True for the address of one machine on the internet; networks (`.0`) and broadcasts are none."""
    try:
        address = ip_address(value)
    except ValueError:
        return False
    if not address.is_global or address.is_multicast or address in _RESOLVERS:
        return False
    return not (isinstance(address, IPv4Address) and int(address) & 0xFFFFFF == 0)
