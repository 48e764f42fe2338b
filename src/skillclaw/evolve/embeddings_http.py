"""Embeddings from an OpenAI-compatible API: `POST <base URL>/embeddings`.

Users' redacted requests go to that host. No proxy of the environment is used for loopback, redirects are not
followed (they would take texts and key elsewhere), and neither key nor texts stand in an error.
"""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
import numpy as np

from skillclaw.errors import SkillClawError
from skillclaw.evolve.embedding_rows import is_blank, unit_rows
from skillclaw.evolve.loopback import is_loopback

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["HttpEmbedder"]

BATCH = 64
BATCH_CHARS = 48_000
"""Texts and characters of one request; APIs bound both."""

LONGEST = 2000
"""Characters of a text that are sent: the request stands at its beginning."""

PARALLEL = 4
TRIES = 5
TIMEOUT = 60.0
"""Seconds for one try."""

WAIT = 1.0
"""Seconds before the second try, doubled for each more; `Retry-After` wins, up to `PATIENCE`."""

PATIENCE = 60.0
MOST_BYTES = 64 << 20
SIZES = 16_384
"""Vectors of more numbers are no embeddings."""


class _Item(msgspec.Struct):
    embedding: list[float]
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Item]


class _AgainError(Exception):
    """A failure that another try may mend."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class HttpEmbedder:
    """Vectors of an OpenAI-compatible API; see `Embedder`."""

    def __init__(
        self, url: str, model: str, key: str = "", *, wait: float = WAIT, timeout: float = TIMEOUT
    ) -> None:
        self._url = url.rstrip("/") + "/embeddings"
        self._model = model
        self._key = key
        self._wait = wait
        self._timeout = timeout
        self.name = f"{url.rstrip('/')} {model}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Embedder.embed`. One text is sent once; all or nothing."""
        cut = [text[:LONGEST].encode("utf-8", "replace").decode("utf-8") for text in texts]
        # By length, so that a batch takes a server equally long for each of its texts.
        unique = sorted({t for t in cut if not is_blank(t)}, key=lambda t: (len(t), t))
        if not unique:
            return np.zeros((len(texts), 0), dtype=np.float32)
        parts = _batches(unique)
        answers = asyncio.run(self._all(parts))
        sizes = {row.shape[1] for row in answers}
        if len(sizes) != 1:
            raise self._error(f"Vectors of {len(sizes)} sizes came: {sorted(sizes)}.", "Check the model.")
        rows = unit_rows(np.concatenate(answers))
        place = {text: number for number, text in enumerate(unique)}
        result = np.zeros((len(texts), rows.shape[1]), dtype=np.float32)
        for index, text in enumerate(cut):
            if text in place:
                result[index] = rows[place[text]]
        return result

    async def _all(self, parts: list[list[str]]) -> list[NDArray[np.float32]]:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        gate = asyncio.Semaphore(PARALLEL)
        own = is_loopback(urlsplit(self._url).hostname or "")

        async def one(part: list[str]) -> NDArray[np.float32]:
            async with gate:
                return await self._ask(session, part)

        async with aiohttp.ClientSession(
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            trust_env=not own,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            tasks = [asyncio.ensure_future(one(part)) for part in parts]
            try:
                return await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, session: aiohttp.ClientSession, part: list[str]) -> NDArray[np.float32]:
        wait = self._wait
        for left in range(TRIES - 1, -1, -1):
            try:
                return await self._try(session, part)
            except _AgainError as error:
                if not left or (error.after or 0.0) > PATIENCE:
                    raise self._error(
                        f"{error}, after {TRIES - left} tries.", "Try again later; the next cycle does too."
                    ) from error
                await asyncio.sleep(wait if error.after is None else error.after)
                wait *= 2
        raise AssertionError("unreachable")

    async def _try(self, session: aiohttp.ClientSession, part: list[str]) -> NDArray[np.float32]:
        body = {"model": self._model, "input": part, "encoding_format": "float"}
        try:
            async with session.post(self._url, json=body, allow_redirects=False) as response:
                if response.status == 429 or response.status >= 500:
                    raise _AgainError(f"It answered {response.status}", _retry_after(response.headers))
                if response.status != 200:
                    raise self._error(f"It answered {response.status}.", _advice(response.status))
                content = bytearray()
                async for chunk in response.content.iter_chunked(1 << 16):
                    content += chunk
                    if len(content) > MOST_BYTES:
                        raise self._error(f"Its answer is larger than {MOST_BYTES >> 20} MB.", _CHECK)
        except TimeoutError as error:
            raise _AgainError(f"No answer within {self._timeout:g} s") from error
        except (aiohttp.InvalidURL, aiohttp.ClientSSLError) as error:
            raise self._error(f"{type(error).__name__}.", "Check evolve.embeddings.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _AgainError(f"The connection failed ({type(error).__name__})") from error
        return self._rows(bytes(content), len(part))

    def _rows(self, content: bytes, count: int) -> NDArray[np.float32]:
        """The vectors of an answer in the order of the texts; anything odd is refused, never mended."""
        try:
            data = msgspec.json.decode(content, type=_Answer).data
        except (msgspec.DecodeError, RecursionError) as error:
            raise self._error("Its answer is not of the form of an embeddings API.", _CHECK) from error
        places = [i if item.index is None else item.index for i, item in enumerate(data)]
        if sorted(places) != list(range(count)):
            raise self._error(f"It answered {len(data)} vectors for {count} texts, or misnumbered.", _CHECK)
        sizes = {len(item.embedding) for item in data}
        if len(sizes) != 1 or not 0 < min(sizes) <= SIZES:
            raise self._error(f"Its vectors are of sizes {sorted(sizes)[:5]}.", _CHECK)
        wide = np.zeros((count, sizes.pop()), dtype=np.float64)
        for place, item in zip(places, data, strict=True):
            wide[place] = item.embedding
        if not np.isfinite(wide).all() or (np.abs(wide) > np.finfo(np.float32).max).any():
            raise self._error("A vector holds a value that is no finite number.", _CHECK)
        rows = wide.astype(np.float32)
        if not np.abs(rows).max(axis=1).all():
            raise self._error("A vector is all zeros.", _CHECK)
        return rows

    def _error(self, why: str, todo: str) -> SkillClawError:
        host = urlsplit(self._url).netloc
        return SkillClawError(f"The embeddings API at {host} did not serve {self._model!r}.", why, todo)


_CHECK = "Check evolve.embeddings and evolve.embeddings_model."


def _batches(texts: list[str]) -> list[list[str]]:
    parts: list[list[str]] = []
    room = 0
    for text in texts:
        if not parts or len(parts[-1]) == BATCH or len(text) > room:
            parts.append([])
            room = BATCH_CHARS
        parts[-1].append(text)
        room -= len(text)
    return parts


def _advice(status: int) -> str:
    if status in (401, 403):
        return "Check the key in the variable that evolve.embeddings_key_env names."
    if 300 <= status < 400:
        return "It points elsewhere, which is not followed. Set evolve.embeddings to where it points."
    return _CHECK


def _retry_after(headers: Any) -> float | None:
    """Seconds of a Retry-After header: a number, or a date."""
    value = str(headers.get("Retry-After", "")).strip()
    if value.isdecimal():
        return min(float(value), 1e6)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
