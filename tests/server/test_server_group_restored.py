"""A group's hub is backed up, destroyed and put back, as docs/hub.md says: from a backup of today, and from
one that is older than what members have seen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from hubs_at_hand import bundle
from s3_server import seaweed
from team import found, hub, invited, joined, machine, sc, state, taken

from skillclaw.errors import UsageError, VerifyError
from skillclaw.hub import Hub
from skillclaw.hub.store import Store
from skillclaw.skills.records import Bundle

ORDER = ("log", "hub.json", "objects", "sessions", "inbox", "jobs")
"""In which a hub is copied: whatever an entry of the log names was there before it."""


def copied(folder: Path, to: Path) -> Path:
    """A copy of a hub's folder, as docs/hub.md has it."""
    to.mkdir(parents=True)
    for name in ORDER:
        if (folder / name).is_dir():
            shutil.copytree(folder / name, to / name)
        elif (folder / name).exists():
            shutil.copy2(folder / name, to / name)
    return to


def released(to: Hub, one: Bundle) -> None:
    """A skill for all, as the owner releases it."""
    version, name = to.put_bundle(one)
    known = to.state().skills.get(one.name)
    base = known.current if known is not None else None
    body = {"skill": one.name, "version": version, "base": base, "object": name, "stage": "stable"}
    to.commit("release", body, role="owner")


def sees(place: Path, who: str, *skills: str) -> None:
    """After a sync that could read all, these skills lie in the agent's folder."""
    report = sc(place, who, "sync")
    assert all(not one["error"] for one in report["hubs"]), report["hubs"]
    assert installed(place, who) == set(skills)


def installed(place: Path, who: str) -> set[str]:
    return {path.parent.name for path in (place / who / ".claude" / "skills").glob("*/SKILL.md")}


def shares(place: Path, number: int) -> None:
    """Bob sends one more session."""
    one = session("", number, f"Run the tests {number}", [Ran("npm test")], project="till")
    sc(place, "bob", "import", str(write(place / "s.jsonl", [one])))
    sc(place, "bob", "share", "allow", "--hub", "team", "--project", "till", "--past")
    assert sc(place, "bob", "share", "send")[0]["sent"] == 1


def elsewhere(place: Path, who: str, url: str) -> None:
    sc(place, who, "config", "set", "hubs.team.url", url)


@pytest.mark.slow
def test_after_the_loss_of_hub_and_owner_all_go_on(tmp_path: Path) -> None:
    folder = found(tmp_path)
    key = joined(tmp_path, "bob")["key"]
    released(hub(tmp_path), bundle("till", "Run the tests of the till."))
    sees(tmp_path, "bob", "till")
    shares(tmp_path, 1)

    copied(folder, tmp_path / "kept")
    sc(tmp_path, "ada", "backup", str(tmp_path / "ada.backup"))
    shutil.rmtree(folder)
    shutil.rmtree(tmp_path / "ada")
    assert "could not be opened" in sc(tmp_path, "bob", "hub", "status", "--hub", "team")["error"]
    sc(tmp_path, "bob", "sync")
    assert installed(tmp_path, "bob") == {"till"}, "what is installed stays"

    new = copied(tmp_path / "kept", tmp_path / "new" / "group")
    sc(tmp_path, "ada", "restore", str(tmp_path / "ada.backup"))
    for who in ("ada", "bob"):
        elsewhere(tmp_path, who, str(new))
        assert sc(tmp_path, who, "hub", "verify", "--hub", "team") == {"ok": True, "problems": []}
        assert sc(tmp_path, who, "hub", "repin")["changed"] is False
    released(opened(tmp_path, "ada", new), bundle("diary", "Write the diary."))
    sees(tmp_path, "bob", "till", "diary")
    sc(tmp_path, "carl", "hub", "join", invited(tmp_path))
    assert taken(tmp_path)["taken"] == {"join": 1}
    assert key in {row["key"] for row in sc(tmp_path, "ada", "hub", "members")["members"]}
    assert sc(tmp_path, "ada", "evolve", "--hub", "team")["sessions"] == 1, "what was sent before is read"


def test_an_older_hub_is_noticed_and_gone_on_with_once_the_owner_names_its_end(tmp_path: Path) -> None:
    folder = found(tmp_path)
    joined(tmp_path, "bob")
    released(hub(tmp_path), bundle("till", "Run the tests of the till."))
    sees(tmp_path, "bob", "till")
    copied(folder, tmp_path / "kept")
    end = sc(tmp_path, "ada", "hub", "repin")["end"]
    released(hub(tmp_path), bundle("diary", "Write the diary."))
    sees(tmp_path, "bob", "till", "diary")

    shutil.rmtree(folder)
    copied(tmp_path / "kept", folder)
    for who in ("ada", "bob"):
        assert "cut back" in sc(tmp_path, who, "hub", "status", "--hub", "team")["error"]
    report = sc(tmp_path, "bob", "sync")
    assert any("cut back" in one["error"] for one in report["hubs"])
    assert installed(tmp_path, "bob") == {"till", "diary"}
    with pytest.raises(VerifyError, match="cut back"):
        released(hub(tmp_path), bundle("notes", "Nothing is written behind it."))
    pins = (tmp_path / "bob" / ".skillclaw" / "hubs.json").read_bytes()
    for tip, error in (("", VerifyError), ("7", UsageError), (f"{end[:-4]}0000", VerifyError)):
        with pytest.raises(error):
            sc(tmp_path, "bob", "hub", "repin", *(["--tip", tip] if tip else []))
    assert (tmp_path / "bob" / ".skillclaw" / "hubs.json").read_bytes() == pins, "nothing was changed"

    assert sc(tmp_path, "ada", "hub", "repin", "--tip", end)["changed"] is True
    released(hub(tmp_path), bundle("notes", "Take notes."))
    with pytest.raises(VerifyError, match="is another than the one"):
        sc(tmp_path, "bob", "hub", "repin")
    assert sc(tmp_path, "bob", "hub", "repin", "--tip", end)["changed"] is True
    sees(tmp_path, "bob", "till", "diary", "notes")
    assert state(tmp_path, "bob") == state(tmp_path, "ada")
    assert sc(tmp_path, "bob", "hub", "verify", "--hub", "team")["ok"]


@pytest.mark.slow
def test_the_evolver_goes_on_with_an_older_hub_and_reads_what_comes_then(tmp_path: Path) -> None:
    folder = found(tmp_path)
    joined(tmp_path, "bob")
    copied(folder, tmp_path / "kept")
    end = sc(tmp_path, "ada", "hub", "repin")["end"]
    shares(tmp_path, 1)
    assert sc(tmp_path, "ada", "evolve", "--hub", "team")["sessions"] == 1
    released(hub(tmp_path), bundle("till", "Run the tests of the till."))
    shutil.rmtree(folder)
    copied(tmp_path / "kept", folder)
    for who in ("ada", "bob"):
        sc(tmp_path, who, "sync")
        sc(tmp_path, who, "hub", "repin", "--tip", end)
    shares(tmp_path, 2)
    assert sc(tmp_path, "ada", "evolve", "--hub", "team")["sessions"] == 2, "that one, and the new one"


def test_a_copy_is_verified_by_a_home_that_belongs_to_no_group(tmp_path: Path) -> None:
    folder = found(tmp_path)
    released(hub(tmp_path), bundle("till", "Run the tests of the till."))
    kept = copied(folder, tmp_path / "kept")
    elsewhere(tmp_path, "checker", str(kept))
    assert sc(tmp_path, "checker", "hub", "verify", "--hub", "team") == {"ok": True, "problems": []}
    assert sc(tmp_path, "checker", "hub", "repin")["end"] == sc(tmp_path, "ada", "hub", "repin")["end"]
    for one in (kept / "objects").iterdir():
        one.write_bytes(b"rotten")
    assert not sc(tmp_path, "checker", "hub", "verify", "--hub", "team")["ok"]


def test_half_of_a_log_is_never_gone_on_with(tmp_path: Path) -> None:
    folder = found(tmp_path)
    joined(tmp_path, "bob")
    end = sc(tmp_path, "bob", "hub", "repin")["end"]
    entries = sorted((folder / "log").glob("0*.json"))
    entries[2].unlink()
    with pytest.raises(VerifyError, match="gap behind entry 2"):
        sc(tmp_path, "bob", "hub", "repin", "--tip", end)
    assert machine(tmp_path, "bob").home.joinpath("hubs.json").exists()


def test_another_group_in_its_place_is_refused_even_so(tmp_path: Path) -> None:
    folder = found(tmp_path)
    joined(tmp_path, "bob")
    (tmp_path / "b").mkdir()
    sc(tmp_path / "b", "ada", "hub", "init", str(tmp_path / "b" / "group"))
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "b" / "group", folder)
    with pytest.raises(VerifyError, match="not the one that this machine knows"):
        sc(tmp_path, "bob", "hub", "repin", "--tip", "1-" + "0" * 32)


@pytest.mark.e2e
def test_from_a_bucket_to_another_place_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testkey")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testsecret")
    (tmp_path / "s3").mkdir()
    with seaweed(tmp_path / "s3") as url:
        sc(tmp_path, "ada", "hub", "init", url, "--name", "team", "--evolver", "--as", "ada")
        joined(tmp_path, "bob")
        released(opened(tmp_path, "ada", url), bundle("till", "Run the tests of the till."))
        sees(tmp_path, "bob", "till")
        base, _, options = url.partition("?")
        new = f"{base}-new?{options}"
        old, to = Store(url), Store(new)
        there = {name: [name] if name == "hub.json" else old.list(name) for name in ORDER}
        assert len(there["log"]) >= 5
        for key in (one for name in ORDER for one in there[name]):
            data = old.get(key, 1 << 30)
            assert data is not None
            to.put(key, data)
        for key in (one for name in ORDER for one in there[name]):
            old.delete(key)
        assert "no hub" in sc(tmp_path, "bob", "hub", "status", "--hub", "team")["error"].lower()
        for who in ("ada", "bob"):
            elsewhere(tmp_path, who, new)
            assert sc(tmp_path, who, "hub", "verify", "--hub", "team")["ok"]
        released(opened(tmp_path, "ada", new), bundle("diary", "Write the diary."))
        sees(tmp_path, "bob", "till", "diary")


def opened(place: Path, who: str, url: Path | str) -> Hub:
    home = machine(place, who).home
    return Hub.open(str(url), home / "keys", home / "hubs.json")
