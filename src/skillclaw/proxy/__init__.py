"""The proxy: forwards what agents say to their LLMs, byte for byte, and records it.

It is a process of its own. This module is what others need to start one: its configuration and its command
line. `python -m skillclaw.proxy CONFIG` prints `ready PORT` once it listens, or one line that says why not.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import msgspec

from skillclaw.errors import UNREADABLE, BadInputError, StorageError
from skillclaw.private import whole_file

__all__ = ["ConfiguredUpstream", "ProxyConfig", "Speech", "command", "read_config", "write_config"]

Speech = Literal["anthropic", "chat", "responses", "gemini"]
"""The API that an upstream speaks: Anthropic Messages, OpenAI Chat Completions or Responses, Gemini."""


class ConfiguredUpstream(msgspec.Struct, frozen=True, kw_only=True):
    """An upstream of the user's settings (`[upstreams.NAME]`). Holds the name of its key, never the key.

    url                base URL, with the version in its path (`/v1`) where the provider has one
    key                `env:NAME`, `keyring:NAME` or empty: no key is sent
    models             what agents ask for -> what the upstream calls it; `*` at the end stands for any end
    retries            tries after the first one, where a repetition is safe
    first_byte_timeout seconds until the answer must begin
    longest_wait       seconds that a Retry-After may ask for; beyond, the next upstream is tried
    fallback           names of the upstreams to try after this one, in order
    """

    url: str
    protocol: Speech
    key: str = ""
    models: dict[str, str] = {}
    retries: int = 2
    first_byte_timeout: float = 600.0
    longest_wait: float = 30.0
    fallback: tuple[str, ...] = ()


class ProxyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a proxy process needs. Where requests go (`upstreams`, `configured`, `routes`, `tokens`, `inject`)
    is read again when the file changes, the rest only at start.

    port             on 127.0.0.1; 0 takes any free one
    home             SkillClaw's home; exchanges go to its `journal` folder
    upstreams        agent (the URL prefix) -> base URL that `/<agent>/<rest>` forwards to
    configured       configured upstreams by name
    routes           agent -> name of its configured upstream; such an agent is not in `upstreams`
    tokens           agent of `routes` -> SHA-256 (hex) of the token that it must show
    inject           agent -> SHA-256 (hex) of the skill index that its requests get (`<home>/injected`)
    left             agent that was disconnected while it ran -> where what was started before goes on; for
                     those who write this file, the proxy goes by `upstreams`
    connect_timeout  seconds to reach an upstream (name, connection, TLS)
    head_timeout     seconds that a request's head may take to come
    body_timeout     seconds without a byte of a request's body, from the agent or to the upstream
    answer_timeout   seconds from the whole request to the first byte of its answer; models may think for long
    idle_timeout     seconds that an agent's connection may rest; an answer under way has no limit
    drain            seconds that running answers may take to finish after a stop was asked for
    journal_max_mb   cap of the journal
    parent           process id of the `up` that began it, which tells of itself in `run/facts.json`; 0: none
    log_format       `text` or `json`, and from which level on lines are written (`settings_log`)
    watched          other processes of this user may look into this one, as measurements do; else none may
    """

    port: int
    home: str
    upstreams: dict[str, str]
    configured: dict[str, ConfiguredUpstream] = {}
    routes: dict[str, str] = {}
    tokens: dict[str, str] = {}
    inject: dict[str, str] = {}
    left: dict[str, str] = {}
    connect_timeout: float = 30.0
    head_timeout: float = 60.0
    body_timeout: float = 120.0
    answer_timeout: float = 3600.0
    idle_timeout: float = 300.0
    drain: float = 10.0
    journal_max_mb: int = 2048
    parent: int = 0
    log_format: str = "text"
    log_level: str = "info"
    watched: bool = False


def write_config(path: Path, config: ProxyConfig) -> None:
    """Write the file as a whole, readable by its owner only; raises StorageError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(msgspec.json.format(msgspec.json.encode(config), indent=2))
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error


def read_config(path: Path) -> ProxyConfig:
    """The configuration in `path`; raises BadInputError or StorageError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ProxyConfig)
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error)) from error
    except UNREADABLE as error:
        raise BadInputError(f"{path} is not a proxy configuration.", str(error)) from error


def command(path: Path) -> list[str]:
    """The command line of a proxy with the configuration in `path`."""
    return [sys.executable, "-m", "skillclaw.proxy", str(path)]
