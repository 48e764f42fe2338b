"""`bench sync` in small: 50 clients of one hub see a release within one interval, each poll one request."""

from __future__ import annotations

from skillclaw.bench.sync import run_sync_bench, summary


def test_fifty_clients_see_a_release_within_one_interval() -> None:
    result = run_sync_bench(clients=50, interval=1.0, workers=4)
    assert result["release"]["seen"] == 50
    # what this machine was late with is not the clients' doing
    assert result["release"]["max_s"] <= 1.0 + result["late_s"] + 0.2
    assert result["idle"]["polls"] >= 100
    assert result["idle"]["most_requests"] == 1
    assert result["idle"]["most_bytes"] < 1000
    assert result["release"]["requests"] == 3, "the commit, the bundle, and what lies after"
    assert [day["clients"] for day in result["day"]] == [1000, 1_000_000]
    assert result["day"][0]["requests"] == 1_728_000
    assert "50 clients" in summary(result)
