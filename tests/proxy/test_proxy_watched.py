"""What alerts, dashboard and docs/operating.md say of `up` is what a running proxy really exports."""

from __future__ import annotations

import os
import re
import time
from typing import Any, cast

import pytest
from watched import OWN, ROOT, Query, alerts, panels, queries, samples

from skillclaw.journal.writer import JournalStats
from skillclaw.proxy.facts import CycleFacts, GroupFacts, HubFacts, UpFacts, own_process, write_facts
from skillclaw.proxy.ready import stands
from skillclaw.proxy.routing import Standing

TEXT = (ROOT / "docs" / "operating.md").read_text("utf-8")


@pytest.fixture
def exported(make_upstream: Any, make_proxy: Any, replying: Any) -> dict[str, set[str]]:
    """The labels of all that a proxy exports below an `up` that has done everything once."""
    proxy = make_proxy({"a": make_upstream(replying(b"x")).url}, parent=os.getpid())
    facts = UpFacts(
        pid=os.getpid(),
        at=time.time(),
        version="1",
        parts=["sync"],
        last={"sync": time.time()},
        cycle=CycleFacts(done=1, ended=1e9, seconds=1.0, well=True),
        sessions=1,
        skills=1,
        hubs={"team": HubFacts(answered=1e9)},
        groups={"team": GroupFacts()},
        process=own_process(),
    )
    write_facts(proxy.home, facts)
    for target in (b"/a/x", b"/nobody"):
        proxy.ask(b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % target)
    proxy.exchanges(1)
    answer = proxy.ask(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    return samples(answer.partition(b"\r\n\r\n")[2].decode())


def test_all_that_is_asked_of_up_is_exported(exported: dict[str, set[str]]) -> None:
    asked = [one for one in queries() if any(OWN.fullmatch(s.name) for s in one.selectors())]
    assert len(asked) > 40
    known = exported | {"up": {"job"}}
    assert [problem for one in asked for problem in one.wrong(known)] == []
    # A metric that nobody looks at is one that nobody needs.
    looked_at = {s.name for one in asked for s in one.selectors()}
    spare = {"skillclaw_proxy_info", "skillclaw_up_info", "skillclaw_up_agreed"}
    spare |= {"skillclaw_up_cycle_running", "skillclaw_up_part_last_seconds", "skillclaw_journal_segments"}
    spare |= {"skillclaw_journal_written_bytes_total", "skillclaw_process_threads"}
    spare |= {"skillclaw_process_start_time_seconds", "skillclaw_up_group_sessions_waiting"}
    spare |= {"skillclaw_proxy_upstreams", "skillclaw_proxy_upstreams_wrong"}
    plain = {name for name in exported if not name.endswith(("_sum", "_count"))}
    assert plain - looked_at == spare


def test_the_table_of_metrics_is_what_is_exported(exported: dict[str, set[str]]) -> None:
    section = TEXT.partition("### Metrics of up")[2].partition("\n### ")[0]
    named = re.findall(
        r"`(skillclaw_\w+)(?:\{([\w,]+)\})?`", "".join(re.findall(r"^\| (.*?) \|", section, re.M))
    )
    told = {name: set(filter(None, labels.split(","))) for name, labels in named}
    assert len(told) == len(named), "none is told twice"
    real = {name: labels for name, labels in exported.items() if not name.endswith(("_sum", "_count"))}
    assert told == {name.removesuffix("_bucket"): labels - {"le"} for name, labels in real.items()}


def test_alerts_and_checks_are_told() -> None:
    section = TEXT.partition("### Alerts of up")[2].partition("\n### ")[0]
    told = re.findall(r"^\| `(\w+)` \|", section, re.M)
    assert told == [rule["alert"] for rule in alerts("skillclaw-up")]
    probes = TEXT.partition("### Probes")[2].partition("\n### ")[0]
    now = Standing(0, 0, 0, 0, 0, {})
    assert all(f"`{check}`: " in probes for check in stands(now, cast(Any, _Idle), ROOT, 0).checks)


class _Idle:
    """A journal that did nothing yet."""

    on_disk, cap, stats = 0, 1, JournalStats


def test_a_wrong_name_or_label_would_be_told() -> None:
    known = {"skillclaw_x_total": {"agent"}, "up": set[str]()}
    fine = Query("q", 'sum by (agent) (rate(skillclaw_x_total{agent="a"}[$__rate_interval])) / on() up > 1')
    assert fine.wrong(known) == []
    assert Query("q", "skillclaw_y_total > 1").wrong(known) == ["q: no metric skillclaw_y_total"]
    assert Query("q", 'skillclaw_x_total{hub="h"}').wrong(known) == ["q: skillclaw_x_total has no hub"]
    assert Query("q", "sum by (hub) (skillclaw_x_total)").wrong(known) == ["q: nothing has hub"]
    assert Query("q", "up", frozenset({"agent"})).wrong(known) == ["q: shows agent, which it has not"]
    with pytest.raises(ValueError, match="unexpected"):
        Query("q", "rate(skillclaw_x_total[5m)").wrong(known)


def test_rules_and_panels_are_whole() -> None:
    rules = alerts()
    assert len({rule["alert"] for rule in rules}) == len(rules) > 20
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith((".", "?"))
    places = [panel["gridPos"] for panel in panels()]
    assert len({panel["id"] for panel in panels()}) == len(places) > 30
    cells = [
        (x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])
    ]
    assert len(cells) == len(set(cells)), "no panel lies on another"
    assert max(x for x, _ in cells) == 23
    for panel in panels():
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        assert all("$instance" in target["expr"] for target in panel["targets"]), panel["title"]
