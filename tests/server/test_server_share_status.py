"""What `share status` says of many sessions is what the decision says of each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skillclaw.journal.records import SessionRow
from skillclaw.journal.share_rules import Grant, HubView, Subject, decide
from skillclaw.server.sharing.status import _decided
from skillclaw.settings import ShareSettings

SINCE = "2026-11-10T00:00:00Z"
VALUES = st.sampled_from(["off", "redacted"])
moments = st.sampled_from(["", "2026-11-01T00:00:00Z", SINCE, "2026-11-20T00:00:00Z"])
subjects = st.builds(
    Subject,
    key=st.just("k"),
    agent=st.sampled_from(["codex", "hermes"]),
    project=st.sampled_from(["", "shop"]),
    started=moments,
    other=st.booleans(),
    mark=st.sampled_from(["", "never", "allow"]),
    asked=moments,
)
rules = st.builds(
    ShareSettings,
    default=VALUES,
    hubs=st.just({"team": "redacted"}),
    agents=st.dictionaries(st.just("codex"), VALUES),
    projects=st.dictionaries(st.just("shop"), VALUES),
)


@given(rules, st.lists(subjects, max_size=12), moments)
def test_each_session_gets_the_decision_that_is_its_own(
    share: ShareSettings, found: list[Subject], past: str
) -> None:
    own = Grant(value="redacted", since=SINCE, group="g", past={"*": past} if past else {})
    view = HubView(name="team", group="g", grants={"hubs.team": own})
    rows = [
        SessionRow(
            id=str(number),
            agent=one.agent,
            project=one.project,
            started=one.started,
            steps=1,
            outcome="unknown",
            shared=False,
            user="u",
            revision=1,
            source="wire",
        )
        for number, one in enumerate(found)
    ]
    told = {row.id: decision for row, decision in _decided(share, view, zip(rows, found, strict=True))}
    assert told == {row.id: decide(share, view, one) for row, one in zip(rows, found, strict=True)}
