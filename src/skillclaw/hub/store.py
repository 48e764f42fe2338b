"""Where a hub lies: a folder, S3, or other object storage, with the five operations that a hub needs.

`create` (write only where nothing is) is the one concurrency primitive (DESIGN 3.3). obstore does the work:
on a local folder it writes aside and links into place, so an object is there whole or not at all; on S3 it
sends `If-None-Match: *`. Some S3 look-alikes ignore that header; see `Store.probe`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import LocalStore, from_url

from skillclaw.errors import StorageError, UsageError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["Store", "local_folder", "masked", "plain"]

_TIMEOUT = timedelta(seconds=30)
_CONNECT = timedelta(seconds=5)
_SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl", "https")


def local_folder(url: str) -> Path | None:
    """The folder that `url` names (a path or a file:// URL), or None where it names other storage."""
    scheme = urlsplit(url).scheme
    if scheme == "file":
        parts = urlsplit(url)
        return Path(url2pathname(f"//{parts.netloc}{parts.path}" if parts.netloc else parts.path))
    # a single letter is a Windows drive
    return Path(url).expanduser().absolute() if len(scheme) < 2 else None


def plain(url: str) -> str:
    """What tells one hub from another: the URL without credentials, options and trailing slashes."""
    folder = local_folder(url)
    if folder is not None:
        return str(folder)
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def masked(url: str) -> str:
    """`url` as messages may show it: no credentials, no values of options."""
    parts = urlsplit(url)
    if local_folder(url) is not None or not (parts.query or "@" in parts.netloc):
        return plain(url)
    return plain(url) + ("?..." if parts.query else "")


class Store:
    """One hub's storage. Every method raises StorageError, with the place and the cause, when it cannot do
    what it says; an object that is not there is not an error but None or False.
    """

    def __init__(self, url: str, *, make: bool = True) -> None:
        """Open `url`; options of object storage may follow as `?region=...&endpoint=...`. A folder that is
        not there is made, if `make`: one that was there before may lie on a disk that is not mounted.

        Credentials come from the environment, as the providers' own tools read them.
        """
        self.url = url
        self.shown = masked(url)
        self.folder = local_folder(url)
        if self.folder is not None:
            self._open_folder(self.folder, make)
            return
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES:
            raise UsageError(
                f"A hub cannot lie at {self.shown}.",
                f"Known are folders and {', '.join(_SCHEMES)} URLs.",
                "skillclaw config set hub.url FOLDER-OR-URL",
            )
        options: dict[str, Any] = dict(parse_qsl(parts.query))
        client: dict[str, Any] = {"timeout": _TIMEOUT, "connect_timeout": _CONNECT}
        endpoint = options.get("endpoint", os.environ.get("AWS_ENDPOINT_URL", ""))
        if urlsplit(endpoint).scheme == "http":
            client["allow_http"] = True
        known: dict[str, Any] = {
            "config": options or None,
            "client_options": client,
            "retry_config": {"max_retries": 3, "retry_timeout": _TIMEOUT},
        }
        with self._errors("opened"):
            self._store: ObjectStore = from_url(
                urlunsplit((parts.scheme, parts.netloc, unquote(parts.path), "", "")), **known
            )

    def _open_folder(self, folder: Path, make: bool) -> None:
        try:
            if make:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif not folder.is_dir():
                raise FileNotFoundError(f"There is no folder {folder}.")
        except OSError as error:
            raise self._failed("opened", error) from error
        with self._errors("opened"):
            self._store = LocalStore(folder)

    def get(self, key: str, limit: int) -> bytes | None:
        """The object's bytes, or None where there is none; of a longer one only the first limit + 1."""
        with self._errors(f"read ({key})"):
            try:
                found = obstore.get(self._store, key)
                if found.meta["size"] <= limit:
                    return bytes(found.bytes())
                return bytes(obstore.get_range(self._store, key, start=0, length=limit + 1))
            except FileNotFoundError:
                return None

    def put(self, key: str, data: bytes) -> None:
        """Write the object, whole or not at all; for names that are the content's hash."""
        with self._errors(f"written ({key})"):
            obstore.put(self._store, key, data, use_multipart=False)
            self._settle(key)

    def create(self, key: str, data: bytes) -> bool:
        """Write the object where none is; False where one is already, unless it holds these very bytes.

        Those were ours then: a connection that broke after the write is tried again by the client below.
        """
        with self._errors(f"written ({key})"):
            try:
                obstore.put(self._store, key, data, mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return self.get(key, len(data)) == data
            self._settle(key)
            return True

    def list(self, prefix: str) -> list[str]:
        """The keys below `prefix` (a folder), sorted."""
        with self._errors(f"listed ({prefix})"):
            return sorted(
                item["path"] for batch in obstore.list(self._store, prefix=prefix) for item in batch
            )

    def delete(self, key: str) -> None:
        """Take the object away; nothing happens where there is none."""
        with self._errors(f"deleted ({key})"):
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:
                return

    def probe(self, key: str, data: bytes) -> None:
        """Raise StorageError unless the storage honours `create`; `key` must exist and hold `data`.

        Without it two writers overwrite each other unseen (`rclone serve s3` and old look-alikes of S3 take
        the header and ignore it). The same bytes are written where it is ignored, so nothing is harmed.
        """
        if self.folder is not None:
            return
        with self._errors(f"written ({key})"):
            try:
                obstore.put(self._store, key, data, mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return
        raise StorageError(
            f"The storage at {self.shown} cannot hold a hub.",
            "It overwrites an object though it was told to create it only (If-None-Match).",
            "Use storage with conditional writes: a folder, AWS S3, GCS, Azure, SeaweedFS.",
        )

    def _settle(self, key: str) -> None:
        """On a local folder: see that what was written survives a loss of power."""
        if self.folder is None:
            return
        path = self.folder / key
        self._open_as_the_folder(path)
        for place in (path, path.parent):
            if place.is_dir() and os.name == "nt":
                continue  # Windows does not open folders; NTFS journals names by itself
            handle = os.open(place, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _open_as_the_folder(self, path: Path) -> None:
        """Let those read what was written, and the folders made for it, who may read the hub's folder."""
        assert self.folder is not None
        if os.name == "nt":
            return
        mode = stat.S_IMODE(self.folder.stat().st_mode)
        made = [parent for parent in path.parents if parent.is_relative_to(self.folder)]
        for place, wanted in [(path, mode & 0o666), *((parent, mode) for parent in made)]:
            if stat.S_IMODE(place.stat().st_mode) != wanted:
                with suppress(PermissionError):  # another member made the folder
                    place.chmod(wanted)

    @contextmanager
    def _errors(self, done: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError, ValueError, NotImplementedError) as error:
            raise self._failed(done, error) from error

    def _failed(self, done: str, error: Exception) -> StorageError:
        # the first line says what failed; the rest is a dump of the library's own structures
        why = str(error).strip().split("\n", 1)[0][:300]
        if self.url != self.shown:
            for value in sorted((v for _, v in parse_qsl(urlsplit(self.url).query)), key=len, reverse=True):
                why = why.replace(value, "...")
            why = why.replace(self.url, self.shown)
        todo = (
            "Check the folder's owner and free space."
            if self.folder is not None
            else "Check the URL, the credentials in the environment and the network."
        )
        return StorageError(f"The hub at {self.shown} could not be {done}.", why, todo)
