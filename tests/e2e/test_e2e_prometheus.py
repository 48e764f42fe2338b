"""A real Prometheus scrapes `up` and the evolve server as the pages say, and judges by the alerts."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_house import TOKEN, House, serving
from atif_sessions import Ran, session, write
from cli import ok, ok_json
from scripted import Script, Upstream
from team import found, joined, sc
from watched import ALERTS, alerts, queries

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
if PROMETHEUS is None or PROMTOOL is None:
    pytest.skip("Prometheus is not installed (Debian: apt-get install prometheus)", allow_module_level=True)

HOUR, DAY = 60, 1440
"""In minutes, which series of promtool's tests are written in."""

EXCHANGES = "skillclaw_proxy_exchanges_total"
LATE = "skillclaw_proxy_late_seconds_bucket"
TROUBLE: dict[str, tuple[dict[str, str], int]] = {
    "SkillClawDown": ({'up{job="skillclaw"}': "0x20"}, 6),
    "SkillClawSchedulerStuck": ({"skillclaw_scheduler_age_seconds": "0+60x20"}, 15),
    "SkillClawGroupFailing": ({'skillclaw_group_failures{hub="team"}': "3x60"}, 40),
    "SkillClawSessionsPileUp": ({'skillclaw_sessions_waiting{hub="team"}': "501x200"}, 130),
    "SkillClawWithoutModel": ({'skillclaw_cycles_degraded_total{hub="team"}': "0x10 1 2 3 3x300"}, 100),
    "SkillClawSessionsSetAside": ({'skillclaw_sessions_aside_total{hub="team"}': "0x10 25x1430"}, 60),
    "SkillClawClaimsLost": ({'skillclaw_claims_lost_total{hub="team"}': "0x10 1 2 3 4 5x1400"}, 60),
    "SkillClawSpending": ({"skillclaw_model_usd_today": "21x10"}, 5),
    "SkillClawUpDown": ({'up{job="skillclaw-up"}': "0x20"}, 6),
    "SkillClawNotRecording": ({"skillclaw_journal_failing": "1x20"}, 12),
    "SkillClawRecordsLost": ({"skillclaw_journal_records_lost_total": "0x5 1x50"}, 20),
    "SkillClawJournalNearlyFull": (
        {"skillclaw_journal_bytes": "95x100", "skillclaw_journal_most_bytes": "100x100"},
        70,
    ),
    "SkillClawDiskNearlyFull": ({"skillclaw_home_free_bytes": "9e8x40"}, 20),
    "SkillClawUpstreamErrors": (
        {
            EXCHANGES + '{agent="codex",status="2xx"}': "0+3x60",
            EXCHANGES + '{agent="codex",status="5xx"}': "0+1x60",
        },
        45,
    ),
    "SkillClawUpstreamUnreachable": (
        {
            EXCHANGES + '{agent="codex",status="none"}': "0+4x60",
            'skillclaw_proxy_exchanges_unfinished_total{agent="codex",by="upstream"}': "0+1x60",
        },
        45,
    ),
    "SkillClawProxyLate": (
        {LATE + f'{{le="{le}"}}': f"0+{n}x60" for le, n in (("0.05", 100), ("0.1", 120), ("+Inf", 120))},
        45,
    ),
    "SkillClawConnectionsRefused": ({"skillclaw_proxy_connections_refused_total": "0x5 1x20"}, 10),
    "SkillClawProxyGrows": ({'skillclaw_process_resident_bytes{process="proxy"}': "4e8x100"}, 70),
    "SkillClawUpStuck": ({"skillclaw_up_loop_age_seconds": "0+60x40"}, 30),
    "SkillClawPartFailing": ({'skillclaw_up_part_failing{part="sync"}': "1x100"}, 70),
    "SkillClawHubAway": ({'skillclaw_up_hub_age_seconds{hub="team"}': "86500x30"}, 20),
    "SkillClawCyclesFail": ({'skillclaw_up_cycles_total{outcome="failed"}': "0x5 1x60 2x60 3x60 4x60"}, 240),
    "SkillClawUpGroupFailing": ({'skillclaw_up_group_failures{hub="team"}': "3x60"}, 40),
}
"""For each alert what Prometheus would have scraped, a sample a minute, and when it fires, in minutes."""

ORDER: dict[str, tuple[dict[str, str], int]] = {
    "SkillClawDown": ({'up{job="skillclaw"}': "1x5 0x3 1x12"}, 8),  # a restart
    "SkillClawGroupFailing": ({'skillclaw_group_failures{hub="team"}': "2x60"}, 40),
    "SkillClawRecordsLost": ({"skillclaw_journal_records_lost_total": "0x60"}, 30),
    "SkillClawUpstreamErrors": (  # a provider's bad minute
        {
            EXCHANGES + '{agent="codex",status="2xx"}': "0+3x60",
            EXCHANGES + '{agent="codex",status="5xx"}': "0x10 6x50",
        },
        45,
    ),
    "SkillClawUpstreamUnreachable": (  # agents that leave
        {
            EXCHANGES + '{agent="codex",status="none"}': "0+4x60",
            'skillclaw_proxy_exchanges_unfinished_total{agent="codex",by="agent"}': "0+4x60",
        },
        45,
    ),
    "SkillClawProxyLate": ({LATE + '{le="0.05"}': "0+100x60", LATE + '{le="+Inf"}': "0+100x60"}, 45),
    "SkillClawProxyGrows": ({'skillclaw_process_resident_bytes{process="up"}': "4e8x100"}, 70),
    "SkillClawPartFailing": ({'skillclaw_up_part_failing{part="sync"}': "1x30 0x70"}, 70),
    "SkillClawCyclesFail": ({'skillclaw_up_cycles_total{outcome="failed"}': "0x5 1x60 2x180"}, 240),
    "SkillClawClaimsLost": ({'skillclaw_claims_lost_total{hub="team"}': "7x200"}, 60),  # of last week
}
"""What looks like it and is in order: at no minute does the alert fire."""


def _tests(place: Path) -> Path:
    """promtool's own tests of the alerts' file."""
    tests = []
    for wanted, scenes in ((1, TROUBLE), (0, ORDER)):
        for name, (series, minutes) in scenes.items():
            firing = f'count(ALERTS{{alertname="{name}",alertstate="firing"}})'
            looked = [minutes] if wanted else range(0, minutes + 1, 5)
            tests.append(
                {
                    "name": f"{name} {'fires' if wanted else 'is silent'}",
                    "interval": "1m",
                    "input_series": [{"series": key, "values": value} for key, value in series.items()],
                    "promql_expr_test": [
                        {
                            "expr": firing,
                            "eval_time": f"{at}m",
                            "exp_samples": [{"labels": "{}", "value": 1}] * wanted,
                        }
                        for at in looked
                    ],
                }
            )
    file = place / "tests.yaml"
    file.write_text(
        yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests})
    )
    return file


def test_every_alert_fires_in_its_trouble_and_is_silent_in_order(tmp_path: Path) -> None:
    assert {rule["alert"] for rule in alerts()} == set(TROUBLE)
    done = subprocess.run(
        [PROMTOOL, "test", "rules", str(_tests(tmp_path))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Asked:
    """A Prometheus of this test, on loopback."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}/api/v1/"

    def __call__(self, path: str, **query: str) -> Any:
        """The answer's data. AssertionError where Prometheus says that the question is wrong."""
        try:
            with urllib.request.urlopen(
                f"{self.base}{path}?{urllib.parse.urlencode(query)}", timeout=10
            ) as got:
                told = json.load(got)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {query}: {error.read().decode()}") from None
        assert told["status"] == "success"
        return told["data"]


def _scrapes(page: str) -> list[dict[str, Any]]:
    """The scrape configuration that a page shows."""
    text = (ALERTS.parents[1] / "docs" / page).read_text("utf-8")
    (shown,) = re.findall(r"```yaml\n(scrape_configs:.*?)```", text, re.DOTALL)
    configs: list[dict[str, Any]] = yaml.safe_load(shown)["scrape_configs"]
    return configs


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asked, House]]:
    """`up` of one person and the evolve server of a team, at work, watched as the pages say."""
    place = tmp_path_factory.mktemp("watched")
    found(place)
    steps = (Ran("npm test", 1, "Error: no module"), Ran("npm ci", 0, ""), Ran("npm test", 0, "ok"))
    made = [session("", n, "run the tests", steps) for n in range(4)]
    for who in ("bob", "cyd"):
        (place / who).mkdir()
        sc(place, who, "import", str(write(place / who / "s.jsonl", made)))
    joined(place, "bob")
    sc(place, "bob", "config", "set", "share.default", "redacted")
    sc(place, "bob", "share", "allow", "--hub", "team", "--past")
    sc(place, "bob", "share", "send")
    with Upstream({"hello": Script((), "hi")}) as model:
        sc(place, "cyd", "config", "set", "agents.generic.upstream", model.url)
        state = ok_json("up", "-d", "--yes", "--port", "0", home=place / "cyd")
        try:
            with serving(place) as house, _prometheus(place, state["port"], house.running.port) as asked:
                _work(asked, house, state["port"], place)
                yield asked, house
        finally:
            ok("stop", home=place / "cyd")


@contextmanager
def _prometheus(place: Path, up_port: int, serve_port: int) -> Iterator[Asked]:
    (place / "token").write_text(TOKEN)
    (up,), (serve,) = _scrapes("operating.md"), _scrapes("serve.md")
    up["static_configs"] = [{"targets": [f"127.0.0.1:{up_port}"]}]
    serve["static_configs"] = [{"targets": [f"127.0.0.1:{serve_port}"]}]
    serve["authorization"]["credentials_file"] = str(place / "token")
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [up, serve],
    }
    (place / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(PROMETHEUS),
        f"--config.file={place / 'prometheus.yml'}",
        f"--storage.tsdb.path={place / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (place / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield Asked(port)
    finally:
        process.terminate()
        process.wait(30)


def _work(asked: Asked, house: House, up_port: int, place: Path) -> None:
    """An exchange a second, a cycle on both sides, until Prometheus has seen all of it for a while."""
    hello = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    request = urllib.request.Request(
        f"http://127.0.0.1:{up_port}/generic/v1/chat/completions",
        json.dumps(hello).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer k"},
    )
    house.post("groups/team/cycles", None, 202)
    until = time.monotonic() + 150
    while time.monotonic() < until:
        time.sleep(1)
        house.get("groups")
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200
        try:
            seen = [asked("query", query=f"min(count_over_time({name}[1m]))")["result"] for name in LATEST]
        except OSError:
            continue
        if all(one and int(one[0]["value"][1]) >= 10 for one in seen):
            return
    raise AssertionError(ok("status", home=place / "cyd") + (place / "prometheus.log").read_text()[-3000:])


LATEST = (
    "up",
    "skillclaw_up_cycle_last_well",
    "skillclaw_cycle_seconds_count",
    "skillclaw_proxy_first_byte_seconds_count",
)
"""What is there last."""

TROUBLE_PANELS = {
    "panel Ended unfinished",
    "panel Parts that fail",
    "panel Models' tokens",
}
"""Shows nothing where nothing fails and no model is asked."""


OF_THE_MACHINE = {"SkillClawProxyLate"}
"""Tells of a machine with too much to do, as one that runs other tests may be; it waits before it fires."""


def test_what_the_pages_configure_is_scraped_with_nothing_dropped(watched: tuple[Asked, House]) -> None:
    asked, _ = watched
    targets = asked("targets")["activeTargets"]
    assert {(one["labels"]["job"], one["health"], one["lastError"]) for one in targets} == {
        ("skillclaw", "up", ""),
        ("skillclaw-up", "up", ""),
    }


def test_the_alerts_are_judged_and_silent_on_a_machine_in_order(watched: tuple[Asked, House]) -> None:
    asked, _ = watched
    rules = [rule for group in asked("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == set(TROUBLE)
    assert {rule["name"]: rule["lastError"] for rule in rules if rule["health"] != "ok"} == {}
    judged = {rule["name"] for rule in rules if rule["state"] != "inactive"}
    assert judged <= OF_THE_MACHINE and "firing" not in {rule["state"] for rule in rules}


def test_every_panel_of_the_dashboard_is_answered(watched: tuple[Asked, House]) -> None:
    asked, _ = watched
    shown: dict[str, int] = {}
    for one in (query for query in queries() if query.where.startswith("panel ")):
        text = one.text.replace("$__rate_interval", "20s").replace("$instance", ".*")
        shown[one.where] = shown.get(one.where, 0) + len(asked("query", query=text)["result"])
    empty = {panel for panel, lines in shown.items() if not lines}
    assert empty <= TROUBLE_PANELS


def test_metrics_are_written_as_prometheus_wants_them(watched: tuple[Asked, House]) -> None:
    asked, house = watched
    up = next(one for one in asked("targets")["activeTargets"] if one["labels"]["job"] == "skillclaw-up")
    pages = [house.ask("GET", "/metrics").body]
    with urllib.request.urlopen(up["scrapeUrl"], timeout=10) as got:
        pages.append(got.read())
    for page in pages:
        done = subprocess.run(
            [str(PROMTOOL), "check", "metrics"], input=page, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr.decode(), done.stdout.decode()) == (0, "", "")
