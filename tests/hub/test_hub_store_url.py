"""Addresses of hubs that are none: told in words that hold nothing of them, wherever they come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli import fails

from skillclaw.errors import UsageError
from skillclaw.hub import invites
from skillclaw.hub.store_url import local_folder, masked, options_of, plain, secrets_of
from skillclaw.web.reading.fields import shown

BAD = [
    "s3://key:secret@[x/hub",
    "az://[::1/x",
    "s3://a]b/",
    "s3://secret\u2100/x",
    "~nobody-of-this-name/hub",
]


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_address_is_told_without_what_it_holds(url: str) -> None:
    for read in (local_folder, masked, plain, invites.shareable):
        with pytest.raises(UsageError) as told:
            read(url)
        assert "secret" not in str(told.value)


@pytest.mark.parametrize("url", BAD[:4])
def test_its_options_are_not_read_either(url: str) -> None:
    for read in (options_of, secrets_of):
        with pytest.raises(UsageError):
            read(url)
    assert shown(url + "?token=1") == "..."


def test_an_endpoint_that_is_no_address_is_left_out_of_an_invite() -> None:
    url, left = invites.shareable("s3://bucket/team?region=eu&endpoint=http://[x")
    assert (url, left) == ("s3://bucket/team?region=eu", ["endpoint"])


def test_joining_with_such_an_invite_is_refused_without_a_traceback(tmp_path: Path) -> None:
    hostile = invites.Invitation(
        url="s3://[x/hub",
        group="0" * 32,
        owner=b"o" * 32,
        seq=1,
        tip=b"t" * 32,
        head=b"h" * 32,
        role="member",
        expires="2099-01-01T00:00:00Z",
        name="",
        seed=b"s" * 32,
        hub="team",
    )
    told = fails("hub", "join", invites.write(hostile), home=tmp_path, code=2)
    assert "The address of a hub cannot be read." in told
