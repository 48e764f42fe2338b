"""Agents on this machine: find them, wire them up, read what they did.

One file per platform (`claude_code`, `codex`, `generic`), each an `Adapter`; `adapters()` knows them all.
`wiring` changes and restores their settings files, `history` reads their past sessions, `read_atif` reads
ATIF files.
"""

from __future__ import annotations

from skillclaw.agents.atif_files import read_atif
from skillclaw.agents.connections import (
    connected,
    connected_upstreams,
    connection,
    forget_connection,
    note_surroundings,
    record_connection,
    surroundings,
)
from skillclaw.agents.edits import apply, diff
from skillclaw.agents.records import (
    Adapter,
    AtifItem,
    Connection,
    ConnectPlan,
    Detection,
    Env,
    FileEdit,
    Finding,
    HistoryFile,
    HistoryRead,
    Launch,
)
from skillclaw.agents.registry import adapters, no_agent
from skillclaw.agents.sniffing import sniff
from skillclaw.agents.tokens import digest, forget_token, known_tokens, token
from skillclaw.agents.wiring import Wired

__all__ = [
    "Adapter",
    "AtifItem",
    "ConnectPlan",
    "Connection",
    "Detection",
    "Env",
    "FileEdit",
    "Finding",
    "HistoryFile",
    "HistoryRead",
    "Launch",
    "Wired",
    "adapters",
    "apply",
    "connected",
    "connected_upstreams",
    "connection",
    "diff",
    "digest",
    "forget_connection",
    "forget_token",
    "known_tokens",
    "no_agent",
    "note_surroundings",
    "read_atif",
    "record_connection",
    "sniff",
    "surroundings",
    "token",
]
