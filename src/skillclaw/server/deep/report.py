"""The whole report: each part looked at by itself, so that one that fails hides no other."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec

from skillclaw import settings as settings_module
from skillclaw.errors import SkillClawError, UpgradeNeededError
from skillclaw.server.deep import (
    data,
    files,
    formats,
    hubs,
    masking,
    missing,
    network,
    packages,
    running,
    versions,
    writing,
)
from skillclaw.server.deep.records import Check, Report, fail, ok, unread
from skillclaw.server.machine import Machine
from skillclaw.settings import Settings, flatten, user_home
from skillclaw.settings_choices import choices

__all__ = ["examine_all"]

_PLAIN_VARIABLES = frozenset({"PATH", "PWD", "OLDPWD", "SHELL", "TERM", "LANG", "LC_ALL", "SHLVL", "COLUMNS"})


def examine_all(home: Path, environ: Mapping[str, str] | None = None) -> Report:
    """Look at everything of `home`, leave it as it is. What is wrong is in the report, never raised."""
    environ = os.environ if environ is None else environ
    machine = Machine(home, environ)
    checks: list[Check] = []
    shown: dict[str, str] = {}
    number = settings_module.ProxySettings().port
    try:
        from skillclaw.agents import adapters

        own = machine.settings
        number = own.proxy.port
        shown = masking.masked_settings(
            flatten(own), flatten(Settings()), set(adapters()), partial(choices, Settings)
        )
        checks.append(ok("settings", "settings", f"{len(shown)} differ from the defaults"))
    except Exception as error:  # a package that is half installed may lack what settings are read by
        checks.append(unread("settings", "settings", error, "skillclaw config check"))
    if not home.is_dir():
        checks.append(fail("files", "home", "there is no SkillClaw folder yet", "skillclaw up"))
    else:
        looks: dict[str, Callable[[], list[Check]]] = {
            "formats": lambda: formats.newer(home),
            "missing": lambda: missing.missing(home),
            "sessions": lambda: data.sessions(home),
            "journal": lambda: data.journal(home),
            "library": lambda: data.library(machine),
            "hubs": lambda: hubs.hubs(machine),
            "modes": lambda: files.modes(home),
            "disk": lambda: files.disk(home),
            "writing": lambda: writing.writing(home),
            "leftovers": lambda: files.leftovers(home),
            "daemon": lambda: running.daemon(home),
            "port": lambda: running.port(number, home),
            "locks": lambda: running.locks(home),
            "logs": lambda: running.logs(home),
            "packages": packages.packages,
            "upstreams": lambda: network.upstreams(machine.settings),
        }
        for name, look in looks.items():
            checks += _guarded(name, look)
    facts: dict[str, str] = {}
    checks += _guarded("versions", lambda: facts.update(versions.facts()) or [])
    return _netted(
        Report(
            ok=all(check.level != "fail" for check in checks),
            facts=facts,
            settings=shown,
            checks=checks,
        ),
        _private(home, environ),
    )


def _guarded(name: str, look: Callable[[], list[Check]]) -> list[Check]:
    try:
        return look()
    except UpgradeNeededError:
        return [fail("report", name, "holds something of a newer format", "Upgrade SkillClaw.")]
    except Exception as error:  # whatever is broken is what this report is for
        mend = "skillclaw doctor; then report this"
        return [unread("report", name, error, mend, text="could not be looked at")]


def _private(home: Path, environ: Mapping[str, str]) -> set[str]:
    """Words of this machine and of its user, should one stand in a text after all."""
    found = {str(home), str(home.resolve()), socket.gethostname()}
    found |= {value for name, value in environ.items() if name not in _PLAIN_VARIABLES and len(value) >= 8}
    with contextlib.suppress(SkillClawError, KeyError, OSError):
        found |= {str(user_home()), user_home().name, getpass.getuser()} - {"root", "home"}
    return found


def _netted(report: Report, private: set[str]) -> Report:
    def net(text: str) -> str:
        return masking.netted(text, private)

    return Report(
        ok=report.ok,
        facts={name: net(value) for name, value in report.facts.items()},
        settings={net(name): net(value) for name, value in report.settings.items()},
        checks=[
            msgspec.structs.replace(check, subject=net(check.subject), text=net(check.text))
            for check in report.checks
        ],
    )
