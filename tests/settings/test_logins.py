"""Addresses are shown without the login in them, and as they are where they hold none."""

from __future__ import annotations

import pytest

from skillclaw.agents.urls import shown
from skillclaw.hub.store_url import masked


@pytest.mark.parametrize(
    "url",
    [
        "s3://id:half/other half@bucket",
        "https://bob:half@hub.example/x",
        "https://team/bob:half@hub.example/x",
        "https://host:9000/bob:half@hub.example/x",
        "https://[::1]:9000/bob:half@hub.example/x",
        "s3://bob:9000/half@bucket",
    ],
)
def test_a_login_is_not_shown(url: str) -> None:
    assert "half" not in masked(url)
    assert "half" not in shown(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://host:9000/bucket/a@b",
        "http://localhost:4000/v1/models/claude@2025",
        "http://[::1]:4000/v1/models/claude@2025",
        "https://host.example/v1/models/claude@2025:predict",
    ],
)
def test_a_port_and_an_at_in_the_path_are_no_login(url: str) -> None:
    assert masked(url) == url
    assert shown(url) == url
