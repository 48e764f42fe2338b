"""Groups on one folder, through the command line: founding, inviting, joining, leaving, revoking."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cli import fails, ok
from team import found, home, hub, invited, joined, sc, state, taken

from skillclaw.errors import BadInputError, SkillClawError, StorageError, UsageError, VerifyError
from skillclaw.hub import Hub, keys
from skillclaw.hub.inbox import send
from skillclaw.hub.invites import read_invite, write
from skillclaw.hub.membership import counts
from skillclaw.hub.store import Store


def names(place: Path, **wanted: str) -> set[str]:
    rows = sc(place, "ada", "hub", "members")["members"]
    return {row["name"] for row in rows if all(row[key] == value for key, value in wanted.items())}


def test_a_team_in_five_commands(tmp_path: Path) -> None:
    ada, bob = tmp_path / "ada", tmp_path / "bob"
    ada.mkdir()
    bob.mkdir()
    made = ok("hub", "init", str(tmp_path / "acme"), "--evolver", "--model", "a local one", home=ada)
    assert "hub acme" in made
    text = ok("hub", "invite", "--name", "bob", home=ada).strip()
    assert text.startswith("skillclaw-invite-1:")
    assert len(text.split()) == 1
    told = ok("hub", "join", home=bob, given=text + "\n")
    assert "evolver (" in told and "a local one" in told
    assert "Nothing of yours is shared until you allow it: skillclaw share allow --hub acme" in told
    assert sc(tmp_path, "bob", "hub", "status", "--hub", "acme")["here"] == {
        "member": "waiting to be taken in"
    }
    assert "1 join" in ok("hub", "inbox", home=ada)
    assert "You belong to it as member, called bob" in ok("hub", "join", text, home=bob)
    ok("share", "allow", "--hub", "acme", home=bob)
    told = ok("hub", "join", text, home=bob)
    assert "Nothing of yours" not in told and "skillclaw share status" in told
    both = sc(tmp_path, "bob", "hub", "status", "--all")
    assert [one["hub"] for one in both] == ["personal", "acme"]
    assert both[1]["here"] == {"member": "active"}
    assert both[1]["keys"] == {"evolver": 1, "member": 2, "owner": 1}
    assert [row["ok"] for row in sc(tmp_path, "bob", "hub", "verify", "--all")["hubs"]] == [True, True]
    assert sc(tmp_path, "bob", "hub", "members")["invites"] == []
    with pytest.raises(UsageError, match="may not sign as owner"):
        sc(tmp_path, "bob", "hub", "invite")
    for path in (bob / ".skillclaw" / "keys").rglob("*"):
        assert path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) == 0


def test_init_refuses_what_is_taken(tmp_path: Path) -> None:
    found(tmp_path)
    for args, why in (
        ((str(tmp_path / "group"), "--name", "other"), "hub at .* already"),
        ((str(tmp_path / "elsewhere"), "--name", "team"), "named team already"),
        ((str(home(tmp_path, "ada") / "hub"),), "personal hub"),
        ((str(tmp_path / "x"), "--name", "personal"), "no name"),
        ((str(tmp_path / "x"), "--name", "Über"), "no name"),
        ((str(tmp_path / "x"), "--policy", "solo"), "no policy"),
    ):
        with pytest.raises(UsageError, match=why):
            sc(tmp_path, "ada", "hub", "init", *args)
    with pytest.raises(UsageError, match="already"):
        sc(tmp_path, "eve", "hub", "init", str(tmp_path / "group"))
    assert not (home(tmp_path, "eve") / "keys").exists()
    assert not (home(tmp_path, "eve") / "hubs.json").exists(), "a hub that is refused is not pinned"
    assert state(tmp_path).seq == 3


def test_init_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Store.create
    for steps in range(12):
        place = tmp_path / str(steps)
        place.mkdir()
        left = [steps]

        def create(self: Store, key: str, data: bytes, left: list[int] = left) -> bool:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return real(self, key, data)

        monkeypatch.setattr(Store, "create", create)
        try:
            found(place)
            done = True
        except KeyboardInterrupt:
            done = False
        monkeypatch.setattr(Store, "create", real)
        if done:
            break
        found(place)
        assert {key.role for key in state(place).keys.values()} == {"owner", "member", "evolver"}
        assert state(place).settings == {"policy": "team"}
        assert hub(place).verify() == []
    assert done


def test_the_first_of_two_joins_wins(tmp_path: Path) -> None:
    found(tmp_path)
    text = invited(tmp_path, "one of you")
    for who in ("bob", "eve"):
        assert sc(tmp_path, who, "hub", "join", text)["state"] == "waiting"
    assert names(tmp_path, role="member", state="active") == {"ada"}
    done = taken(tmp_path)
    assert done["taken"] == {"join": 1}
    assert [one["reason"] for one in done["refused"]] == ["Reason: the invite was used already."]
    states = {
        who: sc(tmp_path, who, "hub", "status", "--hub", "team")["here"]["member"] for who in ("bob", "eve")
    }
    loser = next(who for who, told in states.items() if told != "active")
    assert sorted(states.values()) == ["active", "not admitted"]
    with pytest.raises(BadInputError, match="used already"):
        sc(tmp_path, loser, "hub", "join", text)
    sc(tmp_path, loser, "hub", "join", invited(tmp_path))
    taken(tmp_path)
    assert sc(tmp_path, loser, "hub", "status", "--hub", "team")["here"] == {"member": "active"}
    assert hub(tmp_path).verify() == []


def test_joining_twice_is_joining_once(tmp_path: Path) -> None:
    found(tmp_path)
    text = invited(tmp_path)
    for _ in range(2):
        assert sc(tmp_path, "bob", "hub", "join", text, "--as", "b")["state"] == "waiting"
    assert sc(tmp_path, "bob", "hub", "status", "--hub", "team")["inbox"] == 1
    assert taken(tmp_path)["taken"] == {"join": 1}
    assert sc(tmp_path, "bob", "hub", "join", text)["name"] == "b"
    assert sc(tmp_path, "bob", "hub", "status", "--hub", "team")["inbox"] == 0
    assert sc(tmp_path, "ada", "hub", "join", text)["state"] == "member", "she is one already"


def test_an_invite_for_three_and_one_that_is_withdrawn(tmp_path: Path) -> None:
    found(tmp_path)
    text = invited(tmp_path, "", "--uses", "2")
    for who in ("b", "c", "d"):
        sc(tmp_path, who, "hub", "join", text)
    assert taken(tmp_path)["taken"] == {"join": 2}
    other = invited(tmp_path)
    sc(tmp_path, "e", "hub", "join", other)
    sc(tmp_path, "ada", "hub", "uninvite", other)
    assert sc(tmp_path, "e", "hub", "status", "--hub", "team")["here"] == {
        "member": "not taken in: the invite was withdrawn"
    }
    assert "withdrawn" in taken(tmp_path)["refused"][0]["reason"]
    with pytest.raises(BadInputError, match="withdrawn"):
        sc(tmp_path, "f", "hub", "join", other)
    with pytest.raises(UsageError, match="No invite"):
        sc(tmp_path, "ada", "hub", "uninvite", "0000")


def test_an_invite_that_expired(tmp_path: Path) -> None:
    found(tmp_path)
    text = invited(tmp_path)
    told = read_invite(text)
    key = keys.SigningKey(b"k" * 32)
    body = {"public": keys.public_hex(key), "role": "member", "expires": "2026-01-01T00:00:00Z"}
    owner = hub(tmp_path)
    owner.commit("invite", body, role="owner")
    old = write(msgspec.structs.replace(told, seed=b"k" * 32))
    with pytest.raises(BadInputError, match="expired at 2026-01-01"):
        sc(tmp_path, "bob", "hub", "join", old)
    # who has an older version of the program leaves the join all the same: the log refuses it
    from skillclaw.hub import statements
    from skillclaw.hub.inbox import post

    bob = hub(tmp_path, "bob")
    own = keys.load_or_create(bob.keys_folder, bob.info.group, "member")
    made: dict[str, Any] = statements.join(bob.info.group, key, own, "bob")
    post(bob, own, "join", lambda n: made)
    assert "expired" in taken(tmp_path)["refused"][0]["reason"]


def test_an_invite_of_another_hub_or_log_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    folder = found(tmp_path)
    shutil.copytree(folder, tmp_path / "old")
    text = invited(tmp_path)
    told = read_invite(text)
    (tmp_path / "b").mkdir()
    sc(tmp_path / "b", "ada", "hub", "init", str(tmp_path / "b" / "group"))
    with pytest.raises(VerifyError, match="not the one that the invite names"):
        sc(tmp_path, "bob", "hub", "join", text, "--url", str(tmp_path / "b" / "group"))
    with pytest.raises(VerifyError, match="cut back or replaced"):
        sc(tmp_path, "bob", "hub", "join", text, "--url", str(tmp_path / "old"))
    # the old log, continued by somebody who has the owner's key of then
    forked = Hub.open(str(tmp_path / "old"), home(tmp_path, "ada") / "keys", tmp_path / "forked.json")
    forked.commit("settings", {"x": 1}, role="owner")
    with pytest.raises(VerifyError, match="cut back or replaced"):
        sc(tmp_path, "bob", "hub", "join", text, "--url", str(tmp_path / "old"))
    with pytest.raises(StorageError, match=r"could not be opened|no hub"):
        sc(tmp_path, "bob", "hub", "join", text, "--url", str(tmp_path / "nowhere"))
    with pytest.raises(BadInputError, match="does not hold"):
        sc(tmp_path, "bob", "hub", "join", write(msgspec.structs.replace(told, seed=b"x" * 32)))
    assert sc(tmp_path, "bob", "hub", "join", text)["state"] == "waiting", "nothing of it stands in the way"
    wrong = write(msgspec.structs.replace(told, seq=told.seq + 1, tip=b"x" * 32))
    sc(tmp_path, "ada", "hub", "invite")
    with pytest.raises(VerifyError, match="cut back or replaced"):
        sc(tmp_path, "bob", "hub", "join", wrong)
    assert sc(tmp_path, "bob", "hub", "join", text)["state"] == "waiting"
    moved = folder.rename(tmp_path / "mounted-elsewhere")
    assert sc(tmp_path, "carl", "hub", "join", text, "--url", str(moved))["state"] == "waiting"


def test_a_log_that_goes_back_after_joining_is_refused(tmp_path: Path) -> None:
    folder = found(tmp_path)
    joined(tmp_path, "bob")
    shutil.rmtree(folder / "log")
    with pytest.raises(VerifyError, match="cut back"):
        hub(tmp_path, "bob").state()
    assert "cut back" in sc(tmp_path, "bob", "hub", "status", "--hub", "team")["error"]


def test_a_revoked_member_counts_no_more(tmp_path: Path) -> None:
    found(tmp_path)
    key = joined(tmp_path, "bob")["key"]
    bob = hub(tmp_path, "bob")
    send(bob, "tombstone", {"keys": ["s1"]})
    today = "2026-01-01"
    assert counts(state(tmp_path), key, today) is not None
    with pytest.raises(BadInputError, match="Nobody"):
        sc(tmp_path, "ada", "hub", "revoke-key", "carl", "--yes")
    sc(tmp_path, "bob", "hub", "join", invited(tmp_path, "bob", "--role", "reviewer"))
    taken(tmp_path)
    with pytest.raises(UsageError, match="more than one"):
        sc(tmp_path, "ada", "hub", "revoke-key", "bob", "--yes")
    (row,) = sc(tmp_path, "ada", "hub", "revoke-key", key[:8], "--yes")
    assert row["state"] == "revoked"
    send(bob, "tombstone", {"keys": ["s2"]})
    done = taken(tmp_path)
    assert {one["reason"] for one in done["refused"]} == {"its sender is no member any more"}
    assert state(tmp_path).withdrawn == {key: ["s1"]}
    assert counts(state(tmp_path), key, today) is None
    assert sc(tmp_path, "bob", "hub", "status", "--hub", "team")["here"]["member"] == "revoked"
    again = joined(tmp_path, "bob")
    assert again["key"] != key, "coming back takes a new key"


def test_leaving(tmp_path: Path) -> None:
    found(tmp_path)
    joined(tmp_path, "bob")
    joined(tmp_path, "carl", "--role", "reviewer")
    with pytest.raises(UsageError, match="Nobody is here to ask"):
        sc(tmp_path, "bob", "hub", "leave")
    for _ in range(2):
        assert sc(tmp_path, "bob", "hub", "leave", "--yes")["roles"] == {"member": "waiting"}
    assert sc(tmp_path, "bob", "hub", "status", "--hub", "team")["inbox"] == 1
    assert taken(tmp_path)["taken"] == {"leave": 1}
    with pytest.raises(UsageError, match="no member"):
        sc(tmp_path, "bob", "hub", "leave", "--yes")
    assert sc(tmp_path, "carl", "hub", "leave", "--yes")["roles"] == {"reviewer": "left"}
    with pytest.raises(UsageError, match="only owner"):
        sc(tmp_path, "ada", "hub", "leave", "--yes")
    rows = sc(tmp_path, "ada", "hub", "members")["members"]
    assert {row["name"]: row["state"] for row in rows if row["name"] in ("bob", "carl")} == {
        "bob": "left",
        "carl": "left",
    }
    key = next(row["key"] for row in rows if row["name"] == "bob")
    ended = next(row["ended"] for row in rows if row["name"] == "bob")
    assert counts(state(tmp_path), key, ended[:10]) is not None
    assert counts(state(tmp_path), key, "9999-12-31") is None


def test_a_request_is_admitted_and_a_second_owner_can_let_the_first_go(tmp_path: Path) -> None:
    folder = found(tmp_path)
    sc(tmp_path, "olga", "config", "set", "hubs.team.url", str(folder))
    asked = sc(tmp_path, "olga", "hub", "key", "--role", "owner", "--name", "olga")["request"]
    assert sc(tmp_path, "olga", "hub", "key", "--role", "owner", "--name", "olga")["request"] == asked
    with pytest.raises(SkillClawError, match="not a key of this group"):
        sc(tmp_path, "olga", "hub", "admit", asked, "--yes")
    for _ in range(2):
        assert sc(tmp_path, "ada", "hub", "admit", asked, "--yes")["name"] == "olga"
    with pytest.raises(UsageError, match="in the log already"):
        sc(tmp_path, "olga", "hub", "key", "--role", "owner")
    with pytest.raises(BadInputError, match="cut, mistyped"):
        sc(tmp_path, "ada", "hub", "admit", asked[:-4] + "AAAA", "--yes")
    assert set(sc(tmp_path, "ada", "hub", "leave", "--yes")["roles"]) == {"owner", "evolver", "member"}
    sc(tmp_path, "olga", "hub", "invite")
    evolver = sc(tmp_path, "olga", "hub", "key", "--role", "evolver")["request"]
    sc(tmp_path, "olga", "hub", "admit", evolver, "--yes")
    assert sc(tmp_path, "olga", "hub", "status", "--hub", "team")["keys"] == {"evolver": 1, "owner": 1}


def test_errors_are_told(tmp_path: Path) -> None:
    for args, kind, why in (
        (("hub", "join", "skillclaw-invite-2:abc"), SkillClawError, "Upgrade needed"),
        (("hub", "join", "hello"), BadInputError, "does not begin"),
        (("hub", "members"), UsageError, "knows no group's hub"),
        (("hub", "invite", "--role", "owner"), UsageError, "no role"),
        (("hub", "status", "--hub", "nope"), UsageError, "no group's hub"),
        (("hub", "init", "ftp://x/y"), UsageError, "cannot lie at"),
    ):
        with pytest.raises(kind, match=why):
            sc(tmp_path, "ada", *args)
    assert "not a whole invite" in fails("hub", "join", "skillclaw-invite-1:abc", home=tmp_path)


def test_what_json_holds(tmp_path: Path) -> None:
    found(tmp_path)
    told = sc(tmp_path, "ada", "hub", "status", "--hub", "team")
    assert json.loads(json.dumps(told)) == told
    assert told["here"] == {"owner": "active", "evolver": "active", "member": "active"}
    assert told["policy"] == "team"
    assert sc(tmp_path, "ada", "hub", "verify", "--hub", "team") == {"ok": True, "problems": []}
