"""What waits for a hub that is away is what would leave today, and one session that cannot be read holds up
no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli import ok, ok_json, skillclaw
from group import Group, imported
from test_server_recorded_whole import damaged
from test_server_sharing import allowed

pytestmark = pytest.mark.live


@pytest.fixture
def group(tmp_path: Path) -> Group:
    return Group.make(tmp_path)


@pytest.fixture
def ada(tmp_path: Path, group: Group) -> Path:
    home = tmp_path / "ada"
    home.mkdir()
    group.admit(home)
    return home


def away(home: Path, group: Group) -> Path:
    """Sessions are made ready and cannot be put; what is to go for them to leave."""
    block = group.folder / "sessions"
    block.write_bytes(b"")
    assert skillclaw("share", "send", home=home).returncode == 1
    return block


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("redact.rules.cust", r"CUST-\d+"), ("redact.rules.cust", r"CUST-\d+-\w+")),
        (("redact.words", '["pudding"]'), ("redact.words", '["sauce"]')),
    ],
)
def test_a_rule_that_masks_more_as_often_counts_for_what_waits(
    ada: Path, group: Group, before: tuple[str, str], after: tuple[str, str]
) -> None:
    """As many are masked by either, and the user was shown what the new one leaves standing."""
    imported(ada, 1, text="ask for pudding with sauce and CUST-12-ACME in it for")
    allowed(ada)
    ok("config", "set", *before, home=ada)
    block = away(ada, group)
    ok("config", "set", *after, home=ada)
    (key,) = [row["id"] for row in ok_json("sessions", "list", home=ada)]
    shown = ok_json("sessions", "preview", key, "--hub", "team", home=ada)["body"]
    block.unlink()
    assert ok_json("share", "send", home=ada)[0]["sent"] == 1
    (name,) = group.objects()
    sent = group.opened(name).body.decode()
    assert sent == shown
    assert ("-ACME" not in sent) if after[0] == "redact.rules.cust" else ("sauce" not in sent)


@pytest.mark.parametrize("waits", [False, True])
def test_a_session_that_cannot_be_read_holds_up_no_other(ada: Path, group: Group, waits: bool) -> None:
    bad, good = imported(ada, 1, 2)
    allowed(ada)
    block = away(ada, group) if waits else None
    damaged(ada, bad)
    if block is not None:
        block.unlink()
    (report,) = ok_json("share", "send", home=ada)
    assert (report["sent"], report["waiting"], report["error"]) == (1, 0, "")
    assert list(report["refused"]) == [bad] and "damaged" in report["refused"][bad]
    assert [one["session"] for one in ok_json("sessions", "receipts", home=ada)] == [good]
