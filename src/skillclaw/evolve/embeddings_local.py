"""Embeddings on this machine: the static word vectors inside the `wordllama` wheel.

A text's vector is the mean of its tokens' vectors (256 numbers, 32,000 tokens), so that it costs a
look-up and not a network, and is the same to the last bit in any batch. The package's files are read as data:
its own code would ask a model hub for the tokenizer, which the wheel holds already.

Trained on English. Chinese is compared by its characters (those without a token of their own fall apart into
bytes), so that requests which share some are near; the same request in Chinese and in English is not.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skillclaw.errors import BadInputError, UsageError
from skillclaw.evolve.embedding_rows import is_blank, unit_rows
from skillclaw.extras import install

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MODEL", "StaticEmbedder"]

PACKAGE = "wordllama"
MODEL = "l2_supercat_256"
"""The only model whose weights come inside the package."""

LONGEST = 2000
TOKENS = 256
"""Characters and tokens of a text that count: the request stands at its beginning."""

BATCH = 512


class StaticEmbedder:
    """Mean of static token vectors; see `Embedder`."""

    def __init__(self, name: str, table: NDArray[np.float32], tokenizer: Any) -> None:
        self.name = name
        self._table = table
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, model: str = "") -> StaticEmbedder:
        """The packaged model. Raises UsageError when the extra is not installed or `model` is another one,
        BadInputError when the package's files are not as expected.
        """
        if model not in ("", MODEL):
            raise UsageError(
                f"There is no local embedding model {model!r}.",
                f"The package holds {MODEL}.",
                "skillclaw config set evolve.embeddings_model ''",
            )
        try:
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer

            spec = find_spec(PACKAGE)
            release = version(PACKAGE)
        except (ImportError, ValueError, PackageNotFoundError) as error:
            raise _missing(str(error)) from error
        if spec is None or not spec.submodule_search_locations:
            raise _missing(f"There is no package {PACKAGE}.")
        root = Path(next(iter(spec.submodule_search_locations)))
        try:
            tokenizer = Tokenizer.from_file(str(root / "tokenizers" / "l2_supercat_tokenizer_config.json"))
            tensors = load_file(str(root / "weights" / f"{MODEL}.safetensors"))
            table = np.asarray(tensors["embedding.weight"], dtype=np.float32)
            if table.ndim != 2 or table.shape[0] < tokenizer.get_vocab_size() or not np.isfinite(table).all():
                raise ValueError(f"a table of shape {table.shape} with finite values only was expected")
        except Exception as error:  # the libraries raise bare Exception for files that they cannot read
            python = shlex.quote(sys.executable)
            raise BadInputError(
                f"The embedding model of {PACKAGE} {release} cannot be read.",
                f"{type(error).__name__}: {error}".splitlines()[0],
                f"Reinstall it: {python} -m pip install --force-reinstall {PACKAGE}=={release}",
            ) from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(TOKENS)
        return cls(f"{PACKAGE} {release} {MODEL}", table, tokenizer)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Embedder.embed`."""
        rows = np.zeros((len(texts), self._table.shape[1]), dtype=np.float32)
        for start in range(0, len(texts), BATCH):
            part = [_readable(t) for t in texts[start : start + BATCH]]
            encoded = self._tokenizer.encode_batch(part, add_special_tokens=False)
            for index, (text, tokens) in enumerate(zip(part, encoded, strict=True), start):
                if tokens.ids and not is_blank(text):
                    rows[index] = self._table[tokens.ids].mean(axis=0)
        return unit_rows(rows)


def _readable(text: str) -> str:
    # The tokenizer refuses lone surrogates.
    return text[:LONGEST].encode("utf-8", "replace").decode("utf-8")


def _missing(why: str) -> UsageError:
    return UsageError(
        "The local embedding model is not installed.",
        why,
        f"{install('embeddings')}; or: skillclaw config set evolve.embeddings off",
    )
