"""Signed records that lie beside the entries of the log: checkpoints and packs. Pure.

Written as a commit is (docs/hub-log.md): JSON with sorted keys and no spaces; the signature covers the same
JSON without `sig`, after a word for what it is and the group's id, so that no record passes for another.
"""

from __future__ import annotations

from typing import Any

import msgspec

from skillclaw.errors import VerifyError
from skillclaw.hub import keys

__all__ = ["opened", "signed"]

_encoder = msgspec.json.Encoder(order="deterministic")


def signed(what: str, group: str, record: msgspec.Struct, key: keys.SigningKey) -> bytes:
    """The bytes of `record` with `signer` and `sig` filled in; the same for the same record and key."""
    bare: dict[str, Any] = msgspec.to_builtins(record)
    bare = {**bare, "signer": keys.public_hex(key)}
    bare.pop("sig", None)
    return _encoder.encode({**bare, "sig": keys.sign(key, _covered(what, group, bare))})


def opened(what: str, group: str, data: bytes) -> dict[str, Any]:
    """The JSON of a signed record; VerifyError unless its signature is by the `signer` that it names.

    Whether that signer may sign it is for the caller to ask.
    """
    try:
        raw: Any = msgspec.json.decode(data)
        if not isinstance(raw, dict):
            raise VerifyError("it is not a record")
        bare = {name: value for name, value in raw.items() if name != "sig"}
        holds = keys.verify(str(raw.get("signer")), _covered(what, group, bare), str(raw.get("sig")))
    except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError, TypeError) as error:
        raise VerifyError(f"it does not parse: {error}") from error
    if not holds:
        raise VerifyError("its signature does not hold")
    return raw


def _covered(what: str, group: str, bare: dict[str, Any]) -> bytes:
    return f"skillclaw {what}".encode() + b"\0" + group.encode() + b"\0" + _encoder.encode(bare)
