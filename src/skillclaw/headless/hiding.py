"""Takes a credential out of what a model's server says: some repeat in an error what they were sent."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Hider"]

SHORTEST = 8
"""Bytes of a credential; what is shorter stands in any text."""


class Hider:
    """Hides the words of `credentials` in one stream of bytes: `***` stands for each."""

    def __init__(self, credentials: Iterable[str]) -> None:
        words = [word.encode() for one in credentials for word in one.split()]
        self._secrets = [word for word in words if len(word) >= SHORTEST]
        self._held = b""

    def whole(self, data: bytes) -> bytes:
        """`data` without them, whatever else came before."""
        for secret in self._secrets:
            data = data.replace(secret, b"***")
        return data

    def part(self, data: bytes) -> bytes:
        """What of the stream can be shown, now that `data` has come: a credential can come in two pieces."""
        data = self._held + data
        begun = max(
            (n for one in self._secrets for n in range(1, len(one)) if data.endswith(one[:n])), default=0
        )
        self._held = data[len(data) - begun :]
        return self.whole(data[: len(data) - begun])

    def rest(self) -> bytes:
        """What was held back at the end of the stream: the beginning of one, which is none."""
        held, self._held = self._held, b""
        return held
