"""Credentials for S3 from the files that AWS's own tools share: `~/.aws/config` and `~/.aws/credentials`.

Keys in the URL or in the environment, web identities, containers' and instances' roles are read by obstore
itself. Profiles (keys, roles, SSO, `credential_process`) are read by boto3, an extra: `skillclaw[aws]`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillclaw.errors import UsageError
from skillclaw.extras import install

if TYPE_CHECKING:
    from obstore.store import S3CredentialProvider

__all__ = ["shared_files", "shared_profile"]

_BY_ITSELF = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def shared_files(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """The files of profiles that are there."""
    home = Path("~/.aws").expanduser()
    named = (
        environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials",
        environ.get("AWS_CONFIG_FILE") or home / "config",
    )
    return [path for path in map(Path, named) if path.expanduser().is_file()]


def shared_profile(options: dict[str, str]) -> tuple[S3CredentialProvider | None, dict[str, str]]:
    """Who gives the credentials of the profile that `options` or the environment name, and what else it sets.

    None where there is no need of it. `profile` is taken out of `options`. UsageError where a profile is
    asked for by name and cannot be read.
    """
    name = options.pop("profile", "")
    if "access_key_id" in options or "skip_signature" in options:
        return None, {}
    if not name:
        if any(os.environ.get(variable) for variable in _BY_ITSELF):
            return None, {}
        name = os.environ.get("AWS_PROFILE", "")
        if not name and not shared_files():
            return None, {}
    if find_spec("boto3") is None:
        if not name:
            return None, {}  # a role of the instance may do; if not, the error names the files
        todo = f"{install('aws')}, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        raise UsageError(f"The AWS profile {name!a} cannot be read.", "Profiles are read by boto3.", todo)
    return _read(name)


def _read(name: str) -> tuple[S3CredentialProvider | None, dict[str, str]]:
    import boto3.session
    import botocore.exceptions
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        session = boto3.session.Session(profile_name=name or None)
        if session.get_credentials() is None:
            if not name:
                return None, {}
            raise UsageError(
                f"The AWS profile {name!a} holds no credentials.",
                "",
                f"See: aws configure --profile {name}",
            )
        provider = Boto3CredentialProvider(session)
        scoped: dict[str, Any] = session._session.get_scoped_config()
    except botocore.exceptions.BotoCoreError as error:
        raise UsageError(
            f"The AWS profile {name or 'default'!a} cannot be used.",
            str(error).splitlines()[0][:300],
            "See: aws configure list",
        ) from error
    found = {"region": session.region_name, "endpoint": scoped.get("endpoint_url")}
    return provider, {key: value for key, value in found.items() if value}
