"""A group on a real S3 server: founding, joining without the owner's credentials, messages, rotation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from team import home, machine, sc

from skillclaw.hub import Hub
from skillclaw.hub.invites import read_invite

seaweed = pytest.importorskip("s3_server").seaweed
pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with seaweed(tmp_path_factory.mktemp("weed")) as url:
        yield url


def test_a_group_on_s3(tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sc(tmp_path, "ada", "hub", "init", s3, "--name", "team", "--evolver", "--as", "ada")
    assert "testsecret" not in str(made)
    done = sc(tmp_path, "ada", "hub", "invite", "--name", "bob", "--uses", "2")
    assert set(done["left_out"]) == {"access_key_id", "secret_access_key"}
    told = read_invite(done["invite"])
    assert "testkey" not in told.url
    assert "testsecret" not in told.url
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testkey")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testsecret")
    for who in ("bob", "carl"):
        assert sc(tmp_path, who, "hub", "join", done["invite"])["state"] == "waiting"
    (report,) = sc(tmp_path, "ada", "hub", "inbox")
    assert report["messages"]["taken"] == {"join": 2}
    sc(tmp_path, "bob", "hub", "rotate")
    sc(tmp_path, "carl", "hub", "leave", "--yes")
    (report,) = sc(tmp_path, "ada", "hub", "inbox")
    assert report["messages"]["taken"] == {"leave": 1, "rotate": 1}
    sc(tmp_path, "ada", "hub", "rotate", "--role", "evolver")
    told_ = sc(tmp_path, "bob", "hub", "status", "--hub", "team")
    assert (told_["here"], told_["inbox"], told_["void"]) == ({"member": "active"}, 0, 0)
    assert sc(tmp_path, "bob", "hub", "verify", "--hub", "team")["ok"]
    hub = Hub.open(
        machine(tmp_path, "bob").settings.hubs["team"].url,
        home(tmp_path, "bob") / "keys",
        home(tmp_path, "bob") / "hubs.json",
    )
    assert hub.store.list("inbox") == []
