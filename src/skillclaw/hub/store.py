"""Where a hub lies: a folder, S3, or other object storage, with the five operations that a hub needs.

`create` (write only where nothing is) is the one concurrency primitive. On a local folder
an object is written aside and linked into place, so it is there whole or not at all (store_folder.py); on
object storage obstore sends that storage's own condition (store_clouds.py). Some look-alikes ignore it:
`Store.probe`.
"""

from __future__ import annotations

import hashlib
import random
import re
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillclaw.errors import BadInputError, StorageError, UsageError
from skillclaw.extras import install
from skillclaw.hub import store_errors
from skillclaw.hub.store_aws import shared_files
from skillclaw.hub.store_folder import check_way, delete, has_links, listed, make_folder, read, write
from skillclaw.hub.store_url import local_folder, masked, plain, scrubbed, secrets_of

if TYPE_CHECKING:
    from obstore.store import ObjectStore

    from skillclaw.hub.store_clouds import Opened

__all__ = ["Store", "local_folder", "masked", "plain"]

_KEY = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9._=-]*(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*")
_MAX_KEY = 512
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')
_READS = 3
_CREATES = 4
_SURE = 3
"""Times that what a storage says it wrote, and did not, is sent."""


class Store:
    """One hub's storage. Every method raises StorageError, with the place and the cause, when it cannot do
    what it says; an object that is not there is not an error but None or False. Threads can share it.
    """

    def __init__(self, url: str, *, make: bool = True) -> None:
        """Open `url` (docs/storage.md). A folder that is not there is made, if `make`: one that was there
        before may lie on a disk that is not mounted.
        """
        self.url = url
        self.shown = masked(url)
        self.folder = local_folder(url)
        self._md5_seen = False
        with self._errors("opened"):
            if self.folder is not None:
                self._open_folder(self.folder, make)
                return
            opened = _opened(url)
        self._store: ObjectStore = opened.store
        self._creating: ObjectStore = opened.creating
        self._mode: Any = opened.mode
        self._checks = opened.checks
        self._again = min(opened.again, _CREATES - 1)

    def _open_folder(self, folder: Path, make: bool) -> None:
        if make:
            make_folder(folder)
        elif not folder.is_dir():
            raise FileNotFoundError(f"There is no folder {folder}.")
        self._device = folder.stat().st_dev
        self._again = 0

    def _still_there(self, key: str = "") -> None:
        """Raise OSError where the folder lies on another disk than at first: a share that was unmounted
        leaves an empty folder, in which nothing is and anything can be written. Also where a link in it would
        lead `key` elsewhere.
        """
        if self.folder is None:
            return
        if self.folder.stat().st_dev != self._device:
            raise FileNotFoundError(f"What was mounted at {self.folder} is not there any more.")
        check_way(self.folder, key)

    def get(self, key: str, limit: int) -> bytes | None:
        """The object's bytes, or None where there is none; of a longer one only the first limit + 1."""
        found = self.dated(key, limit)
        return None if found is None else found[0]

    def dated(self, key: str, limit: int) -> tuple[bytes, datetime] | None:
        """`get`, and when these very bytes were put there, by the storage's own clock.

        Bytes that do not fit the checksum that the storage gives with them (an MD5 as entity tag) are read
        again, and are an error if they stay so; but not if they stay the same in a storage that gave no MD5
        yet: under some kinds of encryption no tag is one.
        """
        _check(key)
        with self._errors(f"read ({key})"):
            last: tuple[bytes, str | None, datetime] | None = None
            for _ in range(_READS):
                found = self._read(key, limit)
                if found is None:
                    self._still_there()
                if found is None or self._holds(*found[:2]) or (found == last and not self._md5_seen):
                    return None if found is None else (found[0], found[2])
                last = found
        raise StorageError(
            f"The hub at {self.shown} could not be read ({key}).",
            f"What comes is not what the storage says it is, by its checksum ({_READS} tries).",
            "Check what stands between this machine and the storage. If it began to encrypt by KMS: "
            "add checksums=off to the URL.",
        )

    def _read(self, key: str, limit: int) -> tuple[bytes, str | None, datetime] | None:
        if self.folder is not None:
            there = read(self.folder, key, limit)
            return None if there is None else (there[0], None, there[1])
        import obstore

        try:
            found = obstore.get(self._store, key)
            kind = str(found.attributes.get("Content-Type", ""))
            if not found.meta["e_tag"] or kind.startswith("text/html"):
                raise self._stranger(key)
            put = found.meta["last_modified"]
            if found.meta["size"] <= limit:
                return bytes(found.bytes()), found.meta["e_tag"], put
            return bytes(obstore.get_range(self._store, key, start=0, length=limit + 1)), None, put
        except FileNotFoundError as error:
            if store_errors.no_bucket(str(error)):
                raise
            return None

    def _holds(self, data: bytes, tag: str | None) -> bool:
        told = _MD5.fullmatch(tag or "")
        if told is None or not self._checks or self.folder is not None:
            return True
        holds = hashlib.md5(data, usedforsecurity=False).hexdigest() == told.group(1)
        self._md5_seen = self._md5_seen or holds
        return holds

    def put(self, key: str, data: bytes) -> None:
        """Write the object, whole or not at all; for names that are the content's hash."""
        _check(key)
        with self._errors(f"written ({key})", writes=True):
            self._still_there(key)
            if self.folder is not None:
                write(self.folder, key, data, new=False)
            else:
                import obstore

                obstore.put(self._store, key, data, use_multipart=False)

    def create(self, key: str, data: bytes) -> bool:
        """Write the object where none is; False where one is already, unless it holds these very bytes.

        Those were ours then: where a connection broke after the write, it is tried again.
        """
        _check(key)
        with self._errors(f"written ({key})", writes=True):
            for attempt in range(_CREATES):
                try:
                    if self._create(key, data):
                        return True
                    found = self.get(key, len(data))
                    if found is not None:
                        return found == data
                    # S3 refuses a create beside a delete of the same key, though nothing is there then
                except _obstores("BaseError") as error:
                    if attempt >= self._again or not store_errors.broken(str(error)):
                        raise
                time.sleep(random.uniform(0.02, 0.1) * 2**attempt)  # noqa: S311 - only spreads writers
        raise StorageError(
            f"The hub at {self.shown} could not be written ({key}).",
            f"The storage says that the object is there, and that it is not ({_CREATES} tries).",
            "Try again.",
        )

    def _create(self, key: str, data: bytes) -> bool:
        """Whether this wrote the object; obstore's errors as they are."""
        self._still_there(key)
        if self.folder is not None:
            return write(self.folder, key, data, new=True)
        import obstore

        try:
            obstore.put(self._creating, key, data, mode=self._mode, use_multipart=False)
        except _obstores("AlreadyExistsError", "PreconditionError"):
            return False
        return True

    def put_surely(self, key: str, data: bytes) -> None:
        """`put`, and a look whether the object lies there: what is not there is sent again, and at last told.
        Some storages, and what stands before them, say that they wrote what they did not."""
        for _ in self._tries(key):
            self.put(key, data)
            if self.lies(key, len(data)) is not False:
                return

    def create_surely(self, key: str, data: bytes) -> bool:
        """`create`, with the look of `put_surely`."""
        for _ in self._tries(key):
            if not self.create(key, data):
                return False
            if self.lies(key, len(data)) is not False:
                return True
        return False  # not reached: `_tries` ends with an error

    def lies(self, key: str, size: int | None = None) -> bool | None:
        """Whether an object lies at `key`, of that `size` where one is asked for; None where the storage does
        not say, and of a folder, whose disk has said so by its sync."""
        if self.folder is not None:
            return None
        import obstore

        try:
            found = obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        except _obstores("BaseError") + (OSError, ValueError, NotImplementedError):  # noqa: RUF005
            return None  # a member may be let write only, and the network may be away by now
        return size is None or found["size"] == size

    def _tries(self, key: str) -> Iterator[int]:
        for attempt in range(_SURE):
            if attempt:
                time.sleep(random.uniform(0.02, 0.1) * 2**attempt)  # noqa: S311 - only spreads writers
            yield attempt
        raise StorageError(
            f"The hub at {self.shown} could not be written ({key}).",
            f"The storage says each time that it did, and nothing lies there ({_SURE} tries).",
            "Check what stands between this machine and the storage, then try again.",
        )

    def list(self, prefix: str, after: str | None = None, *, most: int | None = None) -> list[str]:
        """The keys below `prefix` (a folder), sorted; only those behind the key `after`, if given. No more
        than `most` are read, if given: whichever the storage tells first."""
        keys = sorted(path for path, _ in self._listed(prefix, after, most))
        # not every storage heeds where to start
        return keys if after is None else [key for key in keys if key > after]

    def times(self, prefix: str) -> dict[str, datetime]:
        """When each object below `prefix` (a folder) was written, by the storage's own clock (UTC)."""
        return dict(self._listed(prefix))

    def _listed(
        self, prefix: str, after: str | None = None, most: int | None = None
    ) -> Sequence[tuple[str, datetime]]:
        with self._errors(f"listed ({prefix})"):
            self._still_there()
            if self.folder is not None:
                return list(islice(listed(self.folder, prefix, _MAX_KEY), most))
            import obstore

            batches = obstore.list(self._store, prefix=prefix, offset=after)
            items = (item for batch in batches for item in batch)
            return [(item["path"], item["last_modified"]) for item in islice(items, most)]

    def delete(self, key: str) -> None:
        """Take the object away; nothing happens where there is none."""
        _check(key)
        with self._errors(f"deleted ({key})", writes=True):
            self._still_there(key)
            self._delete(key)

    def _delete(self, key: str) -> None:
        if self.folder is not None:
            delete(self.folder, key)
            return
        import obstore

        try:
            obstore.delete(self._store, key)
        except FileNotFoundError as error:
            if store_errors.no_bucket(str(error)):
                raise

    def probe(self, key: str | None = None, data: bytes = b"") -> None:
        """Raise StorageError unless the storage honours `create`. Without it two writers overwrite each other
        unseen (`rclone serve s3` and old look-alikes of S3 take the condition and ignore it).

        With a `key` that exists and holds `data`: one request, which writes the same bytes where it is
        ignored, so that nothing is harmed. Without: an object of its own below `inbox/`, deleted again.
        """
        if key is None:
            self._probe_own(f"inbox/probe-{secrets.token_hex(8)}")
        elif self.folder is None:  # a folder without hard links fails at the write itself
            with self._errors(f"written ({key})", writes=True):
                if self._create(key, data):
                    raise self._careless()

    def _probe_own(self, key: str) -> None:
        with self._errors(f"probed ({key})"):
            if self.folder is not None and not has_links(self.folder):
                raise self._linkless()
            if not self._create(key, b"first\n"):
                raise self._careless()
            try:
                if self._create(key, b"second\n") or self.get(key, 16) != b"first\n":
                    raise self._careless()
            finally:
                with suppress(*_obstores("BaseError"), OSError):
                    self._delete(key)

    def _stranger(self, key: str) -> StorageError:
        """For an answer without an entity tag, which every storage gives, or one that is a page: a network's
        login page, or another server at this address. Taken for an object it would be a void entry for ever.
        """
        return StorageError(f"The hub at {self.shown} could not be read ({key}).", *store_errors.STRANGER)

    def _careless(self) -> StorageError:
        if self.url.startswith("oss:"):
            return StorageError(
                f"The storage at {self.shown} cannot hold a hub.",
                "It overwrites an object though it was told not to (x-oss-forbid-overwrite).",
                "Use a bucket without versioning: OSS does not heed the header where versions are kept.",
            )
        return StorageError(
            f"The storage at {self.shown} cannot hold a hub.",
            "It overwrites an object though it was told to create it only (If-None-Match).",
            "Use storage with conditional writes: a folder, AWS S3, GCS, Azure, SeaweedFS.",
        )

    def _linkless(self) -> StorageError:
        return StorageError(
            f"The folder {self.shown} cannot hold a hub.",
            "Its file system has no hard links, which make one of two writers win (FAT, some mounts).",
            "Use a folder on a disk's own file system, NFS or SMB with hard links, or object storage.",
        )

    @contextmanager
    def _errors(self, done: str, *, writes: bool = False) -> Iterator[None]:
        try:
            yield
        except _obstores("UnknownConfigurationKeyError") as error:
            text = self._text(error)
            raise UsageError(
                f"The URL {self.shown} has an option that is not known.",
                text.split("\n", 1)[0][:200],
                "Check its name, such as region, endpoint, style, profile, timeout or retries.",
            ) from RuntimeError(text)
        except _obstores("BaseError") + (OSError, ValueError, NotImplementedError) as error:  # noqa: RUF005
            text = self._text(error)
            # obstore's own error holds the storage's answer, which may hold what was signed
            raise self._failed(done, text, writes) from RuntimeError(text)

    def _text(self, error: Exception) -> str:
        return scrubbed(str(error).replace(self.url, self.shown), secrets_of(self.url))

    def _failed(self, done: str, text: str, writes: bool) -> StorageError:
        what = f"The hub at {self.shown} could not be {done}."
        if self.folder is not None:
            with suppress(OSError):
                if writes and ("os error" in text or "[Errno" in text) and not has_links(self.folder):
                    return self._linkless()
            why = text.strip().split("\n", 1)[0][:300]
            todo = "Check the folder's owner and free space."
            if not self.folder.is_dir():
                todo = "Mount the share; or, where it moved for good: skillclaw config set hubs.NAME.url NEW"
            return StorageError(what, why, todo)
        why, todo = store_errors.told(text)
        if writes and store_errors.open_ended(text):
            why = f"{why} It may have been done all the same."
        if self.url.startswith("s3") and "No credentials" in why and shared_files():
            todo = f"Profiles in ~/.aws are read by boto3: {install('aws')}"
        return StorageError(what, why, todo)


def _opened(url: str) -> Opened:
    """The object storage at `url`; StorageError where what reaches it is not installed."""
    try:
        from skillclaw.hub.store_clouds import open_cloud
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise StorageError(
            f"The hub at {masked(url)} cannot be reached.",
            "Hubs in object storage need more packages: obstore is not installed.",
            f"Say: {install('clouds')}",
        ) from error
    return open_cloud(url)


def _obstores(*names: str) -> tuple[type[Exception], ...]:
    """obstore's errors of these names; none where it is not loaded: a folder does without it."""
    loaded = sys.modules.get("obstore.exceptions")
    return tuple(getattr(loaded, name) for name in names) if loaded is not None else ()


def _check(key: str) -> None:
    """BadInputError for a key that could lie outside of the hub, or mean another place on another storage."""
    if len(key) > _MAX_KEY or not _KEY.fullmatch(key):
        raise BadInputError(f"{ascii(key)[:80]} is not the name of an object in a hub.")
