"""Texts as vectors, optional: a model inside an installed package, or an OpenAI-compatible API.

The texts are users' requests, redacted. With a URL that is not loopback they leave this machine;
`departs` says so, for the CLI to tell. A caller that gets a `SkillClawError` goes on without embeddings and
reports it: nothing depends on them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import numpy as np

from skillclaw.errors import StorageError, UsageError
from skillclaw.evolve.embedding_rows import is_blank, unit_rows
from skillclaw.evolve.loopback import is_loopback
from skillclaw.settings import EvolveSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CachedEmbedder", "Embedder", "VectorStore", "cache_key", "departs", "make_embedder"]

BATCH = 1000
"""New texts between two writes to the cache: what a failure can lose."""


class Embedder(Protocol):
    """Texts to vectors, the same for the same text."""

    @property
    def name(self) -> str:
        """The model with its version: vectors of different names must not be compared."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row per text, of length 1; of zeros where the text holds nothing to embed.

        Raises SkillClawError. Not to be called from a thread whose event loop runs.
        """


class VectorStore(Protocol):
    """Where `CachedEmbedder` keeps vectors: bytes by key."""

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values of those keys that are there."""

    def put_many(self, values: dict[bytes, bytes]) -> None:
        """Keep the values."""


def make_embedder(settings: EvolveSettings, environ: Mapping[str, str]) -> Embedder | None:
    """The embedder that `evolve.embeddings` asks for, or None for `off`.

    Raises UsageError when the extra, the model's name or the key is missing. An API is first asked at
    `embed`.
    """
    if settings.embeddings == "off":
        return None
    if settings.embeddings == "local":
        from skillclaw.evolve.embeddings_local import StaticEmbedder

        return StaticEmbedder.load(settings.embeddings_model)
    try:
        _ = urlsplit(settings.embeddings).port
    except ValueError as error:
        raise UsageError("evolve.embeddings is no URL.", str(error), "Give an API's base URL.") from error
    if not settings.embeddings_model:
        raise UsageError(
            "No model is named for the embeddings.",
            "An API serves several, and their vectors cannot be mixed.",
            "skillclaw config set evolve.embeddings_model MODEL",
        )
    key = ""
    if variable := settings.embeddings_key_env:
        key = environ.get(variable, "").strip()
        if not key or not key.isascii() or not key.isprintable():
            raise UsageError(
                "The key of the embeddings API is missing." if not key else "The embeddings key is no key.",
                f"evolve.embeddings_key_env names {variable}, which "
                + ("is not set." if not key else "holds characters that no header can carry."),
                f"Set {variable}, or clear the setting if the API needs no key.",
            )
    from skillclaw.evolve.embeddings_http import HttpEmbedder

    return HttpEmbedder(settings.embeddings, settings.embeddings_model, key)


def departs(settings: EvolveSettings) -> str | None:
    """The host that gets users' redacted requests with these settings; None when they stay here."""
    if settings.embeddings in ("off", "local"):
        return None
    try:
        host = urlsplit(settings.embeddings).hostname or ""
    except ValueError:
        return settings.embeddings
    return None if is_loopback(host) else host


def cache_key(name: str, text: str) -> bytes:
    """sha256 of model name, NUL, text."""
    return hashlib.sha256(f"{name}\0{text}".encode("utf-8", "surrogatepass")).digest()


class CachedEmbedder:
    """An embedder that asks the inner one only for texts that the store does not hold.

    Vectors are kept as little-endian float16. Every row is given as it was stored (then made length 1), so
    that a text has the same vector the first time and later. A stored value that is not a finite vector of
    the right size is made anew.
    """

    def __init__(self, embedder: Embedder, store: VectorStore) -> None:
        self._embedder = embedder
        self._store = store
        self.asked = 0
        """Texts that the inner embedder was asked for."""

    @property
    def name(self) -> str:
        """The inner embedder's name."""
        return self._embedder.name

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Embedder.embed`. What was embedded before a failure stays in the store."""
        keys = {text: cache_key(self.name, text) for text in sorted(set(texts)) if not is_blank(text)}
        found = self._store.get_many(list(keys.values()))
        vectors = {text: _vector(found[key]) for text, key in keys.items() if key in found}
        size = _common_size(v for v in vectors.values() if v is not None)
        missing = [t for t in keys if (v := vectors.get(t)) is None or v.shape[0] != size]
        for start in range(0, len(missing), BATCH):
            part = missing[start : start + BATCH]
            rows = self._embedder.embed(part).astype("<f2")
            self.asked += len(part)
            if size and rows.shape[1] != size:
                raise StorageError(
                    "The embedding model gives vectors of another size than before.",
                    f"{self.name}: {rows.shape[1]} instead of {size} numbers.",
                    "Name the model's version in evolve.embeddings_model, so that old vectors are not used.",
                )
            size = rows.shape[1]
            self._store.put_many({keys[t]: row.tobytes() for t, row in zip(part, rows, strict=True)})
            vectors.update(zip(part, rows.astype(np.float32), strict=True))
        result = np.zeros((len(texts), size), dtype=np.float32)
        for index, text in enumerate(texts):
            if text in keys:
                result[index] = vectors[text]
        return unit_rows(result)


def _vector(value: bytes) -> NDArray[np.float32] | None:
    if not value or len(value) % 2:
        return None
    row = np.frombuffer(value, dtype="<f2").astype(np.float32)
    return row if bool(np.isfinite(row).all()) else None


def _common_size(rows: Iterable[NDArray[np.float32]]) -> int:
    sizes: dict[int, int] = {}
    for row in rows:
        sizes[row.shape[0]] = sizes.get(row.shape[0], 0) + 1
    return min(sizes, key=lambda s: (-sizes[s], s)) if sizes else 0
