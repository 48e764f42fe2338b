"""What lies in a hub beside the log: messages, checkpoints, packs, claims, voting jobs, hub.json, sidecars.

The first line names the kind; `inbox`, `entries` and `rests on` are read as they lie in storage, a line of
each. The rest is JSON that is signed here as that kind has to be, or, where it is
none, the bytes as they stand.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import msgspec
from fuzzing.group import GROUP, KEYS, loaded, started

from skillclaw.errors import BadInputError, UpgradeNeededError, VerifyError
from skillclaw.hub import checkpoints, claim_entries, founding, inbox, keys, log, messages, packs, vote_jobs
from skillclaw.hub.proposing import check_proposal
from skillclaw.hub.signed import _covered
from skillclaw.skills.records import Proposal, Sidecar, record_in
from skillclaw.web.reading import entries
from skillclaw.web.reading.sidecars import Sidecars

ALLOWED = (BadInputError, UpgradeNeededError, VerifyError)
KINDS = ("message", "checkpoint", "pack", "claim", "vote job", "hub.json")
STORED = ("inbox", "entries", "rests on")
DICT = (
    *(f"{kind}\n".encode() for kind in (*KINDS, *STORED, "sidecar", "proposed")),
    b'"join"',
    b'"rotate"',
    b'"tombstone"',
    b'"proposal"',
    b'"vote"',
    b'"counts"',
    b'"state"',
    b'"entries"',
    b'"base64:',
    b'"bundle"',
    b'"files"',
    b'"ttl"',
    b'"patterns"',
    b'"rules"',
    b'"keys"',
    b'"sigs"',
    b'"fold"',
    b'"data"',
)
_encoder = msgspec.json.Encoder(order="deterministic")


def once(data: bytes) -> None:
    """The record is taken, or refused in words."""
    first, _, rest = data.partition(b"\n")
    kind = first.decode("latin-1")
    if kind in ("sidecar", "proposed"):
        record_in(rest, Sidecar if kind == "sidecar" else Proposal)
        return
    if kind in STORED:
        _stored(kind, rest)
        return
    told = loaded(rest)
    client = keys.public_hex(KEYS["m"])
    if isinstance(told, dict):
        told = {"v": 1, "group": GROUP, "client": client, "n": 1, "time": "2026-01-01T00:00:00Z"} | told
        try:
            rest = _signed(kind, told)
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError):
            return
    if kind == "checkpoint":
        checkpoints.parse(rest, 6, GROUP)
    elif kind == "pack":
        entries, _ = packs.unpack(rest, 1, 2, GROUP)
        assert len(entries) == 2
    elif kind == "claim":
        claim_entries.read(rest, GROUP, "cycle", 1)
    elif kind == "vote job":
        vote_jobs.read(rest, started(), "p1")
    elif kind == "hub.json":
        founding.parse_info(rest, "here")
    else:
        message = messages.read(rest, GROUP, client, 1)
        if message.kind == "proposal":
            check_proposal(message)


class _Store:
    """Storage in which whatever is asked for is the next line of the input."""

    def __init__(self, data: bytes) -> None:
        self._lines = data.split(b"\n")[:8]

    def list(self, prefix: str, after: str | None = None) -> list[str]:
        return [f"{prefix}/{n:020}.json" for n in range(1, len(self._lines) + 1)]

    def get(self, name: str, limit: int) -> bytes | None:
        number = int("".join(char for char in name[-25:] if char.isdigit()) or 1)
        return self._lines[(number - 1) % len(self._lines)][:limit]


def _stored(kind: str, data: bytes) -> None:
    """What cannot be read is left out of what is shown."""
    store = _Store(data)
    public = keys.public_hex(KEYS["m"])
    hub: Any = SimpleNamespace(store=store, info=SimpleNamespace(group=GROUP), url="here")
    if kind == "inbox":
        msgspec.json.encode([*inbox.refusals(hub, public), *inbox.waiting(hub, public)])
        told = loaded(data)
        inbox._proposal(hub, KEYS["m"], told if isinstance(told, dict) else {})
    elif kind == "entries":
        state = started()
        found = entries.part(hub, state, 6, state.head, 6)
        msgspec.json.encode(found)
        entries.times(hub, state, [1, 2])
        log.signed(state, data)
    else:
        machine: Any = SimpleNamespace(hubs=SimpleNamespace(object=lambda _, name: data))
        release = next(iter(started().skills["git"].releases))
        Sidecars().of(machine, hub, msgspec.structs.replace(release, sidecar="s"))


def _signed(kind: str, told: dict[str, object]) -> bytes:
    """As the writer of that kind signs it."""
    bare = {name: value for name, value in told.items() if name != "sig"}
    if kind not in KINDS[1:5]:
        if kind == "hub.json":
            return _encoder.encode(told)
        with contextlib.suppress(msgspec.ValidationError):
            return messages.write(msgspec.convert(told, messages.Message), KEYS["m"])
        covered = b"skillclaw message\0" + GROUP.encode() + b"\0" + _encoder.encode(bare)
        return _encoder.encode({**bare, "sig": keys.sign(KEYS["m"], covered)})
    by = KEYS["e" if kind == "vote job" else "o"]
    for name in ("group", "client") + (() if kind == "claim" else ("n", "time")):
        bare.pop(name, None)
    bare["signer"] = keys.public_hex(by)
    return _encoder.encode({**bare, "sig": keys.sign(by, _covered(kind, GROUP, bare))})
