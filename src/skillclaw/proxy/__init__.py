"""The proxy: forwards what agents say to their LLMs, byte for byte, and records it (DESIGN 3.1).

It is a process of its own. This module is what others need to start one: its configuration and its command
line. `python -m skillclaw.proxy CONFIG` prints `ready PORT` once it listens, or one line that says why not.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from skillclaw.errors import BadInputError, StorageError

__all__ = ["ProxyConfig", "command", "read_config", "write_config"]


class ProxyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a proxy process needs. `upstreams` is read again when the file changes, the rest only at start.

    port             on 127.0.0.1; 0 takes any free one
    home             SkillClaw's home; exchanges go to its `journal` folder
    upstreams        agent (the URL prefix) -> base URL that `/<agent>/<rest>` forwards to
    connect_timeout  seconds to reach an upstream; there is no limit on how long it may answer
    drain            seconds that running answers may take to finish after a stop was asked for
    journal_max_mb   cap of the journal
    """

    port: int
    home: str
    upstreams: dict[str, str]
    connect_timeout: float = 30.0
    drain: float = 10.0
    journal_max_mb: int = 2048


def write_config(path: Path, config: ProxyConfig) -> None:
    """Write the file as a whole, readable by its owner only; raises StorageError."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123
            file.write(msgspec.json.format(msgspec.json.encode(config), indent=2))
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error


def read_config(path: Path) -> ProxyConfig:
    """The configuration in `path`; raises BadInputError or StorageError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ProxyConfig)
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error)) from error
    except msgspec.DecodeError as error:
        raise BadInputError(f"{path} is not a proxy configuration.", str(error)) from error


def command(path: Path) -> list[str]:
    """The command line of a proxy with the configuration in `path`."""
    return [sys.executable, "-m", "skillclaw.proxy", str(path)]
