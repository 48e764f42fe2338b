"""A group on object storage, made and joined by commands; storage that will not do is refused at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bucket_server import KEY_ID, SECRET, Bucket, bucket_server
from cli import fails, ok, ok_json, skillclaw

KEYS = {"OSS_ACCESS_KEY_ID": KEY_ID, "OSS_ACCESS_KEY_SECRET": SECRET}


def bare(bucket: Bucket) -> str:
    """The URL without the key, which the environment gives."""
    return bucket.url().partition("&access_key_id")[0]


@pytest.mark.slow
def test_a_group_on_oss_is_joined_with_keys_of_ones_own(oss: Bucket, tmp_path: Path) -> None:
    ada, bob = tmp_path / "ada", tmp_path / "bob"
    for home in (ada, bob):
        home.mkdir()
    # the key in the URL stays on this machine
    ok("hub", "init", oss.url(), "--name", "team", "--evolver", home=ada)
    invite = ok_json("hub", "invite", "--name", "bob", home=ada)["invite"]
    env: dict[str, Any] = {"home": bob, "environ": KEYS}
    joined = ok("hub", "join", invite, **env)
    assert SECRET not in joined
    ok("sync", home=ada)
    members = ok_json("hub", "members", "--hub", "team", **env)
    assert "bob" in str(members)
    settings = "".join(p.read_text() for p in (bob / ".skillclaw").glob("*.toml"))
    assert SECRET not in settings
    assert "style=path" in settings
    assert not [key for key in oss.objects if "probe" in key]


@pytest.mark.parametrize("kind", [{"dialect": "careless"}, {"dialect": "oss", "versioned": True}])
def test_storage_that_overwrites_is_refused_and_nothing_is_left_there(
    tmp_path: Path, kind: dict[str, Any]
) -> None:
    with bucket_server(**kind) as bucket:
        said = fails("hub", "init", bucket.url(), "--name", "team", home=tmp_path)
        assert "cannot hold a hub" in said
        assert ("versioning" in said) == bucket.versioned
        assert SECRET not in said
        assert bucket.objects == {}
    assert "team" not in ok("config", "show", home=tmp_path)


def test_a_bucket_that_is_not_there_is_told(oss: Bucket, tmp_path: Path) -> None:
    url = oss.url().replace("//team/", "//nothere/")
    assert "no such bucket" in fails("hub", "init", url, home=tmp_path)
    done = skillclaw("hub", "init", url, "--debug", home=tmp_path)
    assert "Traceback" in done.stderr  # with all that led to it, and no secret
    assert "NoSuchBucket" in done.stderr
    assert SECRET not in done.stderr
    assert KEY_ID not in done.stderr
