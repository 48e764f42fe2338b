"""What stands in each file of a kept home is what the present code tells and does: agents put back, copies in
quarantine, votes, a backup, sealed sessions, messages, packs, what models cost.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from cli import ok, ok_json, skillclaw
from kept_homes import AGENT_SETTINGS, BACKUP, HOMES, SESSIONS, holds, kept_numbers, unpacked

from skillclaw.agents import known_tokens
from skillclaw.evolve.models import ModelError
from skillclaw.evolve.models.daybook import DayBook, of_day
from skillclaw.evolve.models.ledger import Ledger
from skillclaw.evolve.transcripts import transcripts
from skillclaw.hub import Hub, claim_watch, room, sealed
from skillclaw.hub.answers import HubAnswers
from skillclaw.hub.claim_watch import Here
from skillclaw.hub.sealed import get_session, list_sessions, open_any
from skillclaw.hub.seen import FOLD, load_fold
from skillclaw.hub.spendings import HubSpendings
from skillclaw.journal.catalogue import Catalogue
from skillclaw.journal.store import SessionStore
from skillclaw.server.groups.passing import agree
from skillclaw.settings import BudgetSettings

pytestmark = pytest.mark.live

WHOLE = [
    path.name.removesuffix(".tar.zst")
    for path in sorted(HOMES.glob("*.tar.zst"))
    if "connections.json" in holds(path.name.removesuffix(".tar.zst"))
]
"""The kept homes that hold a file of every row; those of before hold few."""
GONE = "install-httpie"
"""The group's skill that was revoked."""


@pytest.fixture(params=WHOLE)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ada(tmp_path: Path, version: str) -> Path:
    return unpacked(version, tmp_path)


def team(ada: Path) -> Hub:
    own = ada / ".skillclaw"
    hub = Hub.open(str(ada.parent / "group"), own / "keys", own / "hubs.json")
    hub.state()
    return hub


def lying(ada: Path, pattern: str) -> list[str]:
    """Names of the objects that lie in the group's hub."""
    folder = ada.parent / "group"
    return sorted(str(path.relative_to(folder)) for path in folder.glob(pattern) if path.is_file())


def test_an_agent_is_shown_its_token_and_gets_its_settings_back(ada: Path) -> None:
    settings = ada / ".codex" / "config.toml"
    (token,) = known_tokens(ada / ".skillclaw").values()
    assert ok_json("config", "token", "codex", home=ada)["token"] == token
    assert token in settings.read_text("utf-8")
    (row,) = [one for one in ok_json("status", home=ada)["agents"] if one["name"] == "codex"]
    assert row["connected"]
    ok("disconnect", "codex", home=ada)
    assert settings.read_text("utf-8") == AGENT_SETTINGS
    assert known_tokens(ada / ".skillclaw") == {}


def test_what_the_user_changed_beside_it_stays_where_an_agent_is_put_back(ada: Path) -> None:
    settings = ada / ".codex" / "config.toml"
    settings.write_text(settings.read_text("utf-8").replace('"m"', '"other"'), "utf-8")
    ok("disconnect", "codex", home=ada)
    assert settings.read_text("utf-8") == AGENT_SETTINGS.replace('"m"', '"other"')


def test_copies_in_quarantine_are_listed_and_put_back_where_they_were(ada: Path) -> None:
    rows = ok_json("skills", "quarantine", home=ada)
    assert {row["skill"] for row in rows} == {GONE} and len(rows) == 2
    assert len(ok_json("status", home=ada)["quarantined"]) == 2
    ok("skills", "restore", rows[0]["id"], home=ada)
    back = Path(rows[0]["place"])
    assert back.is_relative_to(ada) and f"name: {GONE}\n" in (back / "SKILL.md").read_text("utf-8")
    assert [row["id"] for row in ok_json("skills", "quarantine", home=ada)] == [rows[1]["id"]]


def test_what_this_machine_tried_for_the_group_is_told_and_its_counts_are_taken(ada: Path) -> None:
    told = ok_json("jobs", "list", home=ada)
    (tried,) = told["tried"]
    assert (tried["state"], tried["cases"]["won"], tried["calls"]) == ("sent", 3, 7)
    (job,) = told["open"]
    assert (job["proposal"], job["here"], job["counted"]) == (tried["proposal"], "sent", 0)
    shown = ok_json("jobs", "show", job["proposal"], home=ada)["job"]
    assert shown["patterns"][0]["failed"]["command"] == "npm test"
    assert len(lying(ada, "inbox/*/*.json")) == 1
    assert ok_json("hub", "inbox", home=ada)[0]["messages"]["taken"] == {"counts": 1}
    assert lying(ada, "inbox/*/*.json") == []
    (counts,) = team(ada).state().proposals[job["proposal"]].counts.values()
    assert (counts.won, counts.lost, counts.calls) == (3, 0, 7)
    # a slot in which another was seen at work counts from then on, while the machine was not started anew
    ((folder, name),) = [
        (path.parent, path.name) for path in (ada / ".skillclaw").glob("votes/claims/*/*.seen")
    ]
    boot, entry, at = json.loads((folder / name).read_bytes())
    (folder.parent / "boot").write_text(boot, "utf-8")
    with patch.object(claim_watch, "_BOOT", folder.parent / "boot"):
        slot = f"votes/{job['proposal']}/slot-0"
        assert Here(folder, lambda: at + 5.0).watched(slot, entry) == 5.0
    # nobody works at it any more
    assert ok_json("jobs", "list", home=ada)["open"][0]["counted"] == 1


@pytest.mark.slow  # 6 s
def test_the_evolver_opens_what_was_sealed_and_takes_what_it_had_not_taken(ada: Path) -> None:
    hub = team(ada)
    own = room.own_keys(hub.keys_folder, hub.info.group)
    names = list_sessions(hub)
    found = {name: get_session(hub, name) or b"" for name in names}
    heads = Counter(data[:7] for data in found.values())
    assert heads[sealed.MAGIC] > heads[sealed.MAGIC_ONE] > 0, "sealed for two evolvers, and for one"
    for name, data in found.items():
        assert b"npm" in (body := open_any(data, own, group=hub.info.group, name=name).body) or b"pip" in body
    passed = lying(ada, "jobs/passed/*/*")
    assert len(passed) == heads[sealed.MAGIC_ONE]
    for place in passed:  # the same letters, for the evolver who came later too
        name = place.replace("jobs/passed/", "sessions/")
        data = (ada.parent / "group" / place).read_bytes()
        again = open_any(data, own, group=hub.info.group, name=name, others=room.readers(hub.state()))
        assert again == open_any(found[name], own, group=hub.info.group, name=name)
    told = ok_json("evolve", "--hub", "team", home=ada)
    assert (told["collected"]["taken"], told["collected"]["refused"]) == (1, {})
    assert told["sessions"] == len(names)


def test_an_evolver_that_begins_anew_takes_all_of_it_again(ada: Path) -> None:
    own = ada / ".skillclaw"
    (folder,) = (own / "groups").iterdir()
    for path in folder.glob("*.db*"):
        path.unlink()
    told = ok_json("evolve", "--hub", "team", home=ada)["collected"]
    assert (told["taken"], told["refused"]) == (len(list_sessions(team(ada))), {})


def test_what_evolvers_keep_for_each_other_is_opened(ada: Path) -> None:
    own = ada / ".skillclaw"
    hub = team(ada)
    secret = own / "keys" / hub.info.group / "pseudonyms.key"
    before = bytes.fromhex(secret.read_text("ascii").strip())
    secret.unlink()
    assert agree(own / "keys", hub, hub.state(), write=False) == before
    answers = lying(ada, "jobs/answers/*/*")
    kept = HubAnswers(hub)
    assert answers and all(kept.get(name.rsplit("/", 1)[1]) for name in answers)
    ((day, sums),) = json.loads((own / "model-spending.json").read_bytes()).items()
    assert HubSpendings(hub, "elsewhere").others(day) == (sums["tokens"], sums["calls"], 0.0)


def test_what_models_were_paid_counts_towards_the_days_budget(ada: Path) -> None:
    own = ada / ".skillclaw"
    ((day, sums),) = json.loads((own / "model-spending.json").read_bytes()).items()
    told = of_day(own, day)
    assert (told.tokens, told.calls) == (sums["tokens"], sums["calls"]) and told.calls > 0
    ledger = Ledger(BudgetSettings(day_tokens=told.tokens + 70), book=DayBook(own), day=lambda: day)
    assert ledger.fits(60, 10)
    with pytest.raises(ModelError, match="day"):
        ledger.book("draft", 61, 10)


def test_packs_and_the_checkpoint_are_read_by_a_machine_that_knows_nothing_yet(
    ada: Path, tmp_path: Path
) -> None:
    now = team(ada).state()
    assert lying(ada, "log/pack-*") and lying(ada, "log/checkpoint-*")
    for number in range(2):
        place = tmp_path / f"new-{number}"
        new = Hub.open(str(ada.parent / "group"), place / "keys", place / "hubs.json")
        assert new.state() == now
        assert new.verify() == []
        for name in lying(ada, "log/checkpoint-*"):  # then from the log alone
            (ada.parent / "group" / name).unlink()


def test_folds_are_of_use_and_those_of_other_rules_are_made_anew(ada: Path, version: str) -> None:
    own = ada / ".skillclaw"
    same = kept_numbers()[version]["hub.seen:FOLD"] == FOLD
    for path in (own / "hubs").glob("*.state.json"):
        group = path.name.removesuffix(".state.json")
        stored = load_fold(own / "hubs", group)
        assert (stored is not None and stored.state.seq > 0) == same
        text = path.read_text("utf-8")
        path.write_text(text.replace('"fold":', '"fold":9', 1), "utf-8")
        assert load_fold(own / "hubs", group) is None
    assert all(not row["problems"] for row in ok_json("hub", "verify", "--all", home=ada)["hubs"])


def test_the_catalogue_is_of_the_sessions_that_are_there(ada: Path) -> None:
    own = ada / ".skillclaw"
    with closing(SessionStore(own)) as store, closing(Catalogue(own, store)) as catalogue:
        done = catalogue.refresh(30)
        assert done.done == done.all == len(store.rows())
        assert catalogue.projects() and catalogue.agents()


def test_what_an_author_of_skills_did_is_still_told(ada: Path) -> None:
    with transcripts(ada / ".skillclaw") as store:
        assert store is not None
        (row,) = store.rows()
        key = row.id
    assert ok_json("sessions", "show", key, home=ada)["steps"]


def test_proposals_are_shown_with_what_they_rest_on(ada: Path) -> None:
    rows: dict[str, Any] = {row["skill"]: row for row in ok_json("proposals", "list", home=ada)}
    assert rows.keys() == {"run-tests-till", GONE, "npm-know-how"}
    for row in rows.values():
        assert row["skill"] in ok("proposals", "show", row["id"], home=ada)


def test_a_kept_backup_is_restored(ada: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    ok("restore", str(ada / BACKUP), home=other)
    # what the proxy recorded was no session yet when the backup was made
    ids = {row["id"] for row in ok_json("sessions", "list", home=ada) if row["agent"] != "generic"}
    assert {row["id"] for row in ok_json("sessions", "list", home=other)} == ids
    ok("hub", "verify", home=other)
    assert len(ok_json("skills", "quarantine", home=other)) == 2
    assert known_tokens(other / ".skillclaw") == known_tokens(ada / ".skillclaw")
    url = str(ada.parent / "group")
    ok("config", "set", "hubs.team.url", url, home=other)
    ok("hub", "verify", "--hub", "team", home=other)
    assert [job["here"] for job in ok_json("jobs", "list", home=other)["open"]] == ["sent"]


def test_exported_sessions_are_imported(ada: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    text = (ada / SESSIONS).read_text("utf-8")
    ok("import", str(ada / SESSIONS), home=other)
    assert len(ok_json("sessions", "list", home=other)) == len(text.splitlines())
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        line["extra"]["skillclaw"]["v"] = 2
    later = tmp_path / "later.jsonl"
    later.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    done = skillclaw("import", str(later), home=tmp_path / "third")
    assert (done.returncode, "upgrade needed" in done.stdout) == (1, True), done.stdout
    assert ok_json("sessions", "list", home=tmp_path / "third") == []
