"""The token of the server's HTTP API: found where `serve.token` says, or made once. Never told or logged."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from skillclaw.errors import StorageError, UsageError
from skillclaw.private import private_folder, whole_file
from skillclaw.system_keyring import KeyringError, get_key

__all__ = ["SHORTEST", "find_token", "own_token_file", "readable_by_all"]

SHORTEST = 32
"""Characters that a token has at least: 16 random bytes, as hex digits."""
LONGEST = 4096
"""The keyring's name for what SkillClaw keeps in it."""
_TOKEN = re.compile(r"[\x21-\x7e]+")


def own_token_file(home: Path) -> Path:
    """Where the token is that the server makes for itself."""
    return home / "serve" / "token"


def find_token(place: str, home: Path, environ: Mapping[str, str], *, make: bool = True) -> str:
    """The token at `place` (`serve.token`); made and kept in `home` where that is empty and `make` says so.

    Raises UsageError where there is none, where it is too short or holds what no header may, and where its
    file can be read by everybody; StorageError where the file cannot be read or written. Without `make` it is
    empty where one would be made.
    """
    kind, _, name = place.partition(":")
    if kind == "env":
        return _fit(environ.get(name, ""), f"the variable {name}")
    if kind == "keyring":
        return _fit(_from_keyring(name), f"the keyring's {name!r}")
    path = Path(name).expanduser() if kind == "file" else own_token_file(home)
    if kind != "file" and not path.exists():
        return _made(path) if make else ""
    return _fit(_from_file(path), str(path))


def readable_by_all(path: Path) -> bool:
    """Whether every user of the system may read the file. OSError where nobody can tell."""
    return os.name == "posix" and bool(path.stat().st_mode & stat.S_IROTH)


def _made(path: Path) -> str:
    token = secrets.token_urlsafe(32)
    try:
        private_folder(path.parent)
        with whole_file(path) as file:
            file.write(f"{token}\n".encode())
    except OSError as error:
        raise StorageError(
            f"Cannot write the API's token to {path}.", str(error), "Free space or mend permissions."
        ) from error
    return token


def _from_file(path: Path) -> str:
    try:
        if not path.is_file():
            raise _none(f"There is no file {path}.")
        if readable_by_all(path):
            raise UsageError(
                f"The API's token in {path} can be read by every user of this machine.",
                "Whoever reads it may approve, reject and roll back.",
                f"Make a new one there, then: chmod 600 {path}",
            )
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        raise StorageError(
            f"Cannot read the API's token in {path}.", error.strerror or str(error), "Check who owns it."
        ) from error
    return data.decode("utf-8", "replace")


def _from_keyring(name: str) -> str:
    try:
        return get_key(name)
    except KeyringError as error:
        raise _none(str(error)) from None


def _fit(text: str, where: str) -> str:
    """`text` without white space around it, as a token; `where` it was, for errors, which never repeat it."""
    token = text.strip()
    if not token:
        raise _none(f"There is none in {where}.")
    if len(token) > LONGEST or not _TOKEN.fullmatch(token):
        raise _none(f"What is in {where} is longer than a token may be, or holds other characters.")
    if len(token) < SHORTEST:
        raise UsageError(
            f"The token of the server's API has {len(token)} characters; it needs {SHORTEST}.",
            f"It is in {where}; a short one can be guessed.",
            "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    return token


def _none(why: str) -> UsageError:
    return UsageError(
        "There is no token for the server's API.",
        why,
        "Set serve.token to env:NAME, keyring:NAME or file:PATH; or to nothing, and one is made.",
    )
