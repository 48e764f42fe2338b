"""The lock files of `packaging/locks`: what they are, how they are read, what must hold of them. Pure.

One file for each thing that is installed by itself. `client.txt` has the client; the file of an extra has
what the extra brings beside it, and reads `client.txt` first (`-r client.txt`), so that one `-r` installs
both. Files of several extras fit together: they come from one resolution. What stands in `APART` has a
resolution of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = [
    "APART",
    "CLIENT",
    "GROUPS",
    "LOCKS",
    "Pin",
    "asked",
    "extras",
    "faults",
    "fingerprint",
    "head",
    "pins",
]

LOCKS = "packaging/locks"
CLIENT = "client"
"""The name of the file that has the client without extras."""
GROUPS = ("build", "release")
"""Dependency groups of pyproject.toml that have a file too; neither contains the client."""
APART = {
    "scan": "pins other versions of libraries that the client and other extras use",
    "release": "programs that make a release; nothing of SkillClaw runs beside them",
}
"""What is resolved by itself, and why. Their files are whole: they read no other."""

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})(?= |$)")
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;]+)(?: ; (?P<marker>.+))?")
_READS = re.compile(r"-r ([a-z]+)\.txt")
_FINGERPRINT = re.compile(r"(?m)^# asked: sha256:([0-9a-f]{64})$")


@dataclass(frozen=True)
class Pin:
    """One package at one version, with the digests of every file that may be installed for it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]
    text: str
    """As it stands in the file, with its line end."""

    def meets(self, asked: Requirement) -> bool:
        """Whether this is the package that `asked` names, at a version that it allows."""
        return self.name == canonicalize_name(asked.name) and asked.specifier.contains(self.version, True)

    def applies(self, environment: Mapping[str, str]) -> bool:
        """Whether it is installed on such a machine."""
        return not self.marker or Marker(self.marker).evaluate(dict(environment))


def extras(project: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the files, in order: the client, each extra, each group."""
    return (CLIENT, *project["project"]["optional-dependencies"], *GROUPS)


def asked(project: Mapping[str, Any], name: str) -> list[str]:
    """What pyproject.toml asks for, for the file `name`; the client's own dependencies only where the file is
    whole."""
    if name in GROUPS:
        return list(project["dependency-groups"][name])
    own = list(project["project"]["dependencies"])
    if name == CLIENT:
        return own
    more = list(project["project"]["optional-dependencies"][name])
    return [*own, *more] if name in APART else more


def fingerprint(project: Mapping[str, Any], name: str) -> str:
    """SHA-256 of what `name` was resolved from; another one means that `make lock` was forgotten."""
    body = json.dumps([project["project"]["requires-python"], sorted(asked(project, name))])
    return hashlib.sha256(body.encode()).hexdigest()


def head(project: Mapping[str, Any], name: str) -> str:
    """The first lines of the file `name`."""
    what = {CLIENT: "The client"}.get(name, f"The {'group' if name in GROUPS else 'extra'} `{name}`")
    lines = [
        f"# {what}: every package with its version and the digests of its files. Made by `make lock`.",
        f"# asked: sha256:{fingerprint(project, name)}",
    ]
    if name != CLIENT and name not in APART and name not in GROUPS:
        lines.append(f"-r {CLIENT}.txt")
    return "\n".join(lines) + "\n"


def pins(text: str) -> list[Pin]:
    """The pins of one lock file; ValueError for a line that is none of what a lock file may hold."""
    found: list[Pin] = []
    block: list[str] = []
    for line in [*text.splitlines(keepends=True), "end"]:
        if line.startswith((" ", "\t")):
            block.append(line)
            continue
        if block:
            found.append(_pin(block))
        block = []
        if line == "end" or line.startswith("#") or _READS.fullmatch(line.strip()):
            continue
        block.append(line)
    return found


def _pin(block: list[str]) -> Pin:
    said = [line.strip().rstrip("\\").strip() for line in block]
    first = _PIN.fullmatch(said[0])
    rest = [line for line in said[1:] if line]
    digests = [line for line in rest if not line.startswith("#")]
    hashes = [found[1] for line in digests if (found := _HASH.fullmatch(line))]
    if first is None or len(hashes) != len(digests):
        raise ValueError(f"not a pinned package with digests: {said[0]!r}")
    via = [line.lstrip("#").strip() for line in rest if line.startswith("#")]
    parents = [one.strip() for line in via for one in line.removeprefix("via").split(",")]
    return Pin(
        name=canonicalize_name(first["name"]),
        version=first["version"],
        marker=first["marker"] or "",
        hashes=tuple(hashes),
        via=tuple(one for one in parents if one),
        text="".join(block),
    )


def faults(project: Mapping[str, Any], files: Mapping[str, str]) -> Iterable[str]:
    """What does not hold of the lock `files` (name -> text), in words; nothing where all is well.

    That each asked package is inside at an allowed version on every machine it is asked for, that each
    package is there because of another that is inside too, that all have digests, that one name has one
    version on one machine, that no address stands there, and that the file was made from what pyproject.toml
    says now.
    """
    names = extras(project)
    for stray in sorted(set(files) - set(names)):
        yield f"{stray}.txt belongs to nothing in pyproject.toml"
    for name in names:
        text = files.get(name)
        if text is None:
            yield f"{name}.txt is missing"
            continue
        stamp = _FINGERPRINT.search(text)
        if stamp is None or stamp[1] != fingerprint(project, name):
            yield f"{name}.txt is not made from what pyproject.toml says now"
        if "://" in text or re.search(r"(?m)^\s*(-[^-r]|--(?!hash=)|.*(?<!\S)/)", text):
            yield f"{name}.txt has an address, a path or an option"
        own = pins(text)
        inside = own + (pins(files[CLIENT]) if f"-r {CLIENT}.txt\n" in text and CLIENT in files else [])
        yield from _of_one(name, own, inside, [Requirement(one) for one in asked(project, name)])


def _of_one(name: str, own: list[Pin], inside: list[Pin], wanted: list[Requirement]) -> Iterable[str]:
    there = {pin.name for pin in inside}
    for pin in own:
        if not pin.hashes:
            yield f"{name}.txt: {pin.name} has no digest"
        gone = [one for one in pin.via if not _roots(one) and canonicalize_name(one) not in there]
        if gone or not pin.via:
            yield f"{name}.txt: {pin.name} is there for {', '.join(gone) or 'nothing'}"
    for asked_for in wanted:
        for machine in machines():
            if asked_for.marker is not None and not asked_for.marker.evaluate(dict(machine)):
                continue
            if not any(pin.meets(asked_for) and pin.applies(machine) for pin in inside):
                yield f"{name}.txt: nothing for {asked_for} on {told(machine)}"
    for machine in machines():
        seen: dict[str, str] = {}
        for pin in inside:
            if pin.applies(machine) and seen.setdefault(pin.name, pin.version) != pin.version:
                yield f"{name}.txt: {pin.name} has two versions on {told(machine)}"


def _roots(via: str) -> bool:
    return via.startswith("skillclaw ") or ":" in via


def told(machine: Mapping[str, str]) -> str:
    """A machine in words."""
    return f"Python {machine['python_version']}, {machine['sys_platform']}"


def machines() -> list[Mapping[str, str]]:
    """The machines that the lock is for, as the values of markers."""
    made: list[Mapping[str, str]] = []
    for python in ("3.11", "3.12", "3.13"):
        for system, platform, os_name, machine in (
            ("Linux", "linux", "posix", "x86_64"),
            ("Darwin", "darwin", "posix", "arm64"),
            ("Windows", "win32", "nt", "AMD64"),
        ):
            made.append(
                {
                    "implementation_name": "cpython",
                    "implementation_version": f"{python}.0",
                    "os_name": os_name,
                    "platform_machine": machine,
                    "platform_python_implementation": "CPython",
                    "platform_release": "",
                    "platform_system": system,
                    "platform_version": "",
                    "python_full_version": f"{python}.0",
                    "python_version": python,
                    "sys_platform": platform,
                    "extra": "",
                }
            )
    return made
