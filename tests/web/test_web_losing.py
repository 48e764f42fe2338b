"""What goes wrong while somebody acts: nothing that was typed or decided is lost, and the page says why."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from unittest import mock
from urllib.parse import urlencode

import pytest
from api_house import proposal
from dashboard_house import Dash, Page, Visitor, dashboard
from hubs_at_hand import Hubs, bundle
from made_sessions import made

from skillclaw.journal.store import SessionStore
from skillclaw.skills.records import Verdict
from skillclaw.trajectory.model import SessionMeta
from skillclaw.web.site.login import Logins, make_link

EDIT = "/skills/personal/one/edit"
WRITTEN = (
    "---\nname: one\ndescription: How to work with one in this project.\n---\n# one\n\n- A line of mine.\n"
)


@pytest.fixture
def hubs(tmp_path: Path) -> Hubs:
    made = Hubs(tmp_path)
    made.release(made.machine.hub, bundle("one", "- A line."))
    return made


def base(visitor: Visitor) -> str:
    (found,) = visitor.get(EDIT).html.find("input", name="base")
    return found.attrs["value"]


def full_disk(home: Path) -> object:
    """Nothing can be written below `home`."""
    real = os.open

    def refuse(path: object, flags: int, *more: object, **named: object) -> int:
        if flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR) and str(home) in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, flags, *more, **named)  # type: ignore[arg-type]

    return mock.patch("os.open", refuse)


def no_hub(home: Path) -> None:
    shutil.rmtree(home / "hub")


def bad_settings(home: Path) -> None:
    (home / "config.toml").write_text("[[[")


def log_out(home: Path) -> None:
    Logins(home, 1).leave_all()


@pytest.mark.parametrize(
    ("happens", "status", "told"),
    [
        (no_hub, 422, "could not be read"),
        (bad_settings, 422, "is not valid TOML"),
        (log_out, 401, "skillclaw dashboard"),
    ],
)
def test_a_text_comes_back_that_could_not_be_proposed(
    hubs: Hubs, happens: Callable[[Path], None], status: int, told: str
) -> None:
    with dashboard(hubs.machine.home, hubs.environ) as dash:
        visitor = dash.visitor()
        fields, token = {"text": WRITTEN, "base": base(visitor), "note": "So it is."}, visitor.csrf()
        happens(hubs.machine.home)
        page = visitor.post(EDIT, fields, csrf=token)
        assert page.status == status
        assert told in page.text
        assert "A line of mine." in page.body
        assert "So it is." in page.body
        assert "Traceback" not in page.body
        stale = dash.visitor().post(EDIT, fields, csrf="0" * 64)
        assert (stale.status, "A line of mine." in stale.text) == (403, True)


def test_on_a_full_disk_the_text_comes_back_and_a_link_stays_good(hubs: Hubs) -> None:
    home = hubs.machine.home
    with dashboard(home, hubs.environ) as dash:
        visitor = dash.visitor()
        fields, token = {"text": WRITTEN, "base": base(visitor)}, visitor.csrf()
        link = urlencode({"token": make_link(home)}).encode()
        with full_disk(home):  # type: ignore[attr-defined]
            page = visitor.post(EDIT, fields, csrf=token)
            refused = dash.stranger().ask("POST", f"{dash.base}/login", link)
        assert (page.status, refused.status) == (422, 503)
        assert "No space left on device" in page.text
        assert "A line of mine." in page.html.one("textarea", name="text").text
        assert dash.stranger().ask("POST", f"{dash.base}/login", link).status == 303
        assert dash.stranger().ask("POST", f"{dash.base}/login", link).status == 403  # once
        assert visitor.post(EDIT, fields).url.startswith(f"{dash.base}/proposals/personal/")


def test_of_many_that_bring_a_link_at_once_one_is_in(tmp_path: Path) -> None:
    logins, token = Logins(tmp_path, 1), make_link(tmp_path)
    found: list[str | None] = []
    threads = [Thread(target=lambda: found.append(logins.enter(token))) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len([one for one in found if one]) == 1
    assert len(list((tmp_path / "dashboard" / "browsers").iterdir())) == 1


def held(hubs: Hubs, number: int) -> str:
    made = proposal(number, skill=f"skill-{number}")
    hubs.machine.hub.propose(made)
    hubs.machine.hub.record_verdicts(made.id, [Verdict(check="approval", verdict="hold", reason="x")], "held")
    return made.id


def at_once(dash: Dash, *acts: tuple[str, dict[str, str]]) -> list[Page]:
    """Each by a browser of its own."""
    found: list[Page] = []
    visitors = [(dash.visitor(), *act) for act in acts]
    tokens = [one.csrf() for one, _, _ in visitors]
    threads = [
        Thread(target=lambda v=v, p=p, f=f, t=t: found.append(v.post(p, f, csrf=t)))  # type: ignore[misc]
        for (v, p, f), t in zip(visitors, tokens, strict=True)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return found


def test_of_two_decisions_at_once_one_counts_and_the_other_is_told_why(hubs: Hubs) -> None:
    first, second = held(hubs, 1), held(hubs, 2)
    with dashboard(hubs.machine.home, hubs.environ) as dash:
        there = f"/proposals/personal/{first}"
        pages = at_once(dash, (f"{there}/approve", {"note": "mine"}), (f"{there}/approve", {"note": "mine"}))
        assert sorted("Approved and released" in one.told for one in pages) == [False, True]
        late = next(one for one in pages if "Approved and released" not in one.told)
        assert late.status == 200
        assert "is released, so it cannot be approved" in late.told
        there = f"/proposals/personal/{second}"
        pages = at_once(
            dash, (f"{there}/approve", {"note": "yes"}), (f"{there}/reject", {"note": "no, thanks"})
        )
        assert {one.status for one in pages} == {200}
        assert sum(word in one.told for one in pages for word in ("Approved and", "Rejected")) == 1
    states = hubs.fresh().hub.state()
    assert states.proposals[first].status == "released"
    assert len(states.skills["skill-1"].releases) == 1
    assert states.proposals[second].status in ("released", "rejected")


def test_a_note_comes_back_that_was_written_in_vain(hubs: Hubs) -> None:
    id_ = held(hubs, 3)
    with dashboard(hubs.machine.home, hubs.environ) as dash:
        visitor = dash.visitor()
        there = f"/proposals/personal/{id_}"
        page = visitor.post(f"{there}/reject", {"note": "It is wrong " * 60, "back": dash.base + there})
        assert "The note is too long." in page.told
        assert "It is wrong It is wrong" in page.html.one("details", cls="typed").text
        assert not visitor.get(there).html.find("details", cls="typed")  # once
    assert hubs.fresh().hub.state().proposals[id_].status == "held"


def test_a_proposal_that_only_a_person_lets_through_waits_on_the_first_page_too(hubs: Hubs) -> None:
    hub = hubs.machine.hub
    made = proposal(4, skill="skill-4")
    hub.propose(made)
    hub.record_verdicts(made.id, [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
    hub.commit("settings", {"policy": "strict"}, role="owner")
    with dashboard(hubs.machine.home, hubs.environ) as dash:
        visitor = dash.visitor()
        assert "waiting (1)" in visitor.get("/proposals").text
        assert "1 proposal needs people" in visitor.get("/").text


def test_a_setting_that_changes_closes_no_store_under_a_reader(tmp_path: Path) -> None:
    home = tmp_path / ".skillclaw"
    store = SessionStore(home)
    store.put_many(
        made("Say hello", meta=SessionMeta(key=f"{number:016x}"), name="agent") for number in range(30)
    )
    store.close()
    with dashboard(home) as dash:
        visitor = dash.visitor()
        csrf = visitor.csrf()
        seen: list[tuple[str, int]] = []

        def look(path: str) -> None:
            one = dash.stranger()
            one.cookies = dict(visitor.cookies)
            seen.extend((path, one.get(path).status) for _ in range(15))

        readers = [Thread(target=look, args=(path,)) for path in ("/sessions", "/sessions", "/")]
        for reader in readers:
            reader.start()
        for number in range(15):
            given = {"key": "evolve.interval", "value": str(31 + number)}
            page = visitor.post("/settings/change", given, csrf)
            assert page.status == 200
        for reader in readers:
            reader.join()
    assert {status for _, status in seen} == {200}, seen
