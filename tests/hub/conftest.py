"""Storage that the tests of hubs run on."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from bucket_server import Bucket, bucket_server
from s3_server import seaweed


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A place on a real S3 server that all tests share."""
    with seaweed(tmp_path_factory.mktemp("weed")) as url:
        yield url


@pytest.fixture
def s3(s3_server: str) -> str:
    """A place of the test's own in a bucket on a real S3 server."""
    return s3_server.replace("/hub?", f"/{secrets.token_hex(6)}?")


@pytest.fixture
def gcs() -> Iterator[Bucket]:
    """A bucket that speaks as much of Google's XML API as a hub needs."""
    with bucket_server(dialect="gcs") as bucket:
        yield bucket


@pytest.fixture
def oss() -> Iterator[Bucket]:
    """A bucket that behaves as Alibaba OSS is documented to, and checks signatures."""
    with bucket_server() as bucket:
        yield bucket
