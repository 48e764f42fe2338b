"""What this machine has: settings, identity, sessions, personal hub, library. Opened when first asked for."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw import settings as settings_module
from skillclaw.errors import BusyError, StorageError
from skillclaw.private import private_folder
from skillclaw.settings import Settings

if TYPE_CHECKING:
    from skillclaw.hub import Hub
    from skillclaw.journal.identity import Identity
    from skillclaw.journal.outbox import Outbox
    from skillclaw.journal.redact import Redactor
    from skillclaw.journal.store import SessionStore
    from skillclaw.library import Library
    from skillclaw.server.hubs.opened import Hubs

__all__ = ["PERSONAL", "Machine"]

PERSONAL = "personal"
"""Name of the hub that every machine has."""
SHARED = (Path(".claude", "skills"), Path(".agents", "skills"))
"""Folders below the user's home that between them serve most agents (docs/agents.md)."""


class Machine:
    """The parts of one SkillClaw home; each is opened on first use, so that light commands stay light."""

    def __init__(self, home: Path, environ: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.environ = os.environ if environ is None else environ

    def prepare(self) -> None:
        """Make the home folder (0700) and see that it can be written."""
        try:
            for folder in (self.home, self.home / "run", self.home / "logs"):
                private_folder(folder)
        except OSError as error:
            raise StorageError(
                f"Cannot make SkillClaw's folder {self.home}.",
                str(error),
                "Free space, mend permissions, or choose another folder with --home.",
            ) from error

    @cached_property
    def settings(self) -> Settings:
        """The settings of this home."""
        return settings_module.load(self.home, self.environ)

    @cached_property
    def identity(self) -> Identity:
        """Who this installation is."""
        from skillclaw.journal.identity import Identity

        self.prepare()
        return Identity.load_or_create(self.home)

    @property
    def user(self) -> str:
        """The person that this machine's own sessions count for."""
        return self.settings.user or self.identity.user

    @cached_property
    def redactor(self) -> Redactor:
        """The redactor of this client, which knows the user's home and name."""
        return self._redactor(self.settings)

    def renew_redactor(self) -> None:
        """Have masking follow what the settings say now: a process that runs for days read them when it
        began.
        """
        now = settings_module.load(self.home, self.environ)
        if (now.redact, now.user) != self._masking:
            self.redactor = self._redactor(now)

    _masking: tuple[object, str] | None = None
    """What of the settings the redactor was made with."""

    def _redactor(self, settings: Settings) -> Redactor:
        from skillclaw.journal.redact import Redactor
        from skillclaw.journal.seen import FILE, Seen, secret_values

        names = {_login(), settings_module.user_home().name, settings.user}
        key = self.identity.key
        self._masking = (settings.redact, settings.user)
        return Redactor(
            key,
            home=settings_module.user_home(),
            user_names=sorted(names - {"", "root", "/"}),
            seen=Seen(key, self.home / FILE, secret_values(self.environ)),
            custom=settings.redact,
        )

    @cached_property
    def sessions(self) -> SessionStore:
        """The redacted sessions of this machine."""
        from skillclaw.journal.store import SessionStore

        self.prepare()
        return SessionStore(self.home)

    @cached_property
    def outbox(self) -> Outbox:
        """What waits to leave this machine, and the receipts of what left."""
        from skillclaw.journal.outbox import Outbox

        assert self.sessions is not None  # its file is the sessions'
        return Outbox(self.home)

    def may_install(self) -> None:
        """UpgradeNeededError where a newer version wrote what is needed to install skills here: to be asked
        before something is decided that ends with that, so that nothing is half done."""
        from skillclaw.library import book

        assert self.identity is not None
        assert self.targets is not None
        book.load(self.home)

    @property
    def hub_url(self) -> str:
        """Where the personal hub lies."""
        return self.settings.hub.url or str(self.home / "hub")

    @property
    def has_hub(self) -> bool:
        """Whether the personal hub was made already; asking makes none."""
        return bool(self.settings.hub.url) or (self.home / "hub").exists()

    @cached_property
    def hub(self) -> Hub:
        """The personal hub, made on first use with its keys on this machine."""
        from skillclaw.hub import Hub

        self.prepare()
        return Hub.open_or_create(self.hub_url, self.home / "keys", seen=self.home / "hubs.json")

    @cached_property
    def hubs(self) -> Hubs:
        """All hubs of this machine, in the order of precedence."""
        from skillclaw.server.hubs.opened import Hubs

        return Hubs(self)

    @property
    def targets(self) -> list[Path]:
        """The skills folders that this machine's agents load from: those that are set, else the two that most
        agents share and the own ones of wanted agents that read neither."""
        from skillclaw.server.setup.wishes import wishes

        now = wishes(self.home)
        return self.targets_for([*now.proxy, *now.history])

    def targets_for(self, names: Iterable[str]) -> list[Path]:
        """The same for these agents."""
        from skillclaw.agents import Env, adapters

        if self.settings.sync.targets:
            return [Path(given).expanduser() for given in self.settings.sync.targets]
        env = Env.current()
        found = [env.home / folder for folder in SHARED]
        known = adapters()
        for name in sorted(set(names) & set(known)):
            own = known[name].skills(env)
            if own and not set(own) & set(found):
                found.append(own[0])
        return found

    @cached_property
    def library(self) -> Library:
        """The skills installed on this machine."""
        from skillclaw.library import Library

        self.prepare()
        return Library(self.home, self.targets)

    @contextmanager
    def alone(self, what: str, *, wait: float = 0.0) -> Iterator[None]:
        """Hold this home's lock for `what` (`up`, `evolve`); BusyError when another process has it."""
        from filelock import FileLock, Timeout

        self.prepare()
        path = self.home / "run" / f"{what}.lock"
        lock = FileLock(path, timeout=wait, mode=0o600)
        try:
            lock.acquire()
        except Timeout as error:
            raise BusyError(
                f"Another `skillclaw {what}` is at work in {self.home}.",
                "Only one may run at a time.",
                "Wait for it, or see: skillclaw status",
            ) from error
        except OSError as error:
            raise StorageError(
                f"Cannot lock {path}.", str(error), "Free space or mend permissions."
            ) from error
        try:
            yield
        finally:
            lock.release()


def _login() -> str:
    """The login's name; empty where the system has none, as in containers that run under any number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""
