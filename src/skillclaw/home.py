"""Where SkillClaw's folder and the user's home lie. Every command asks, so this loads next to nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from skillclaw.errors import UsageError

__all__ = ["CONFIG", "default_home", "user_home"]

CONFIG = "SKILLCLAW_CONFIG"
"""Names a file of settings that lies over the home's."""


def default_home(environ: Mapping[str, str] | None = None) -> Path:
    """SkillClaw's home: `SKILLCLAW_HOME`, else `~/.skillclaw`."""
    environ = os.environ if environ is None else environ
    given = environ.get("SKILLCLAW_HOME")
    return Path(given).expanduser() if given else user_home() / ".skillclaw"


def user_home() -> Path:
    """The user's home folder: HOME, unless that is empty or relative; then what the system says.

    An empty HOME, as some service managers leave it, would else stand for the root of all files.
    """
    try:
        home = Path("~").expanduser()
    except RuntimeError:
        home = Path()
    if os.name != "nt" and not os.environ.get("HOME", "").startswith("/"):
        import pwd

        with contextlib.suppress(KeyError):
            home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    if not home.is_absolute():
        raise UsageError("Nobody says where your home folder is.", "HOME is no absolute path.", "Set HOME.")
    return home
