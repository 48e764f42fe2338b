"""The benchmark runs and says what the contract promises; the figures themselves are for quiet machines."""

from __future__ import annotations

from skillclaw.bench.proxy import run_proxy_bench, summary


def test_the_benchmark_runs() -> None:
    told: list[tuple[int, int | None, str]] = []
    result = run_proxy_bench(
        seconds=0.2, rounds=1, progress=lambda done, total, what: told.append((done, total, what))
    )
    rows = result["rows"]
    assert {(r["target"], r["case"]) for r in rows} == {
        (t, c) for t in ("direct", "bare", "skillclaw") for c in ("sse10", "sse10-200kb", "json", "paced")
    }
    keys = {"target", "case", "concurrency", "rps", "p50_ms", "p99_ms", "ttfb_p50_ms", "cpu_ms", "rss_mb"}
    assert all(set(row) == keys and row["rps"] > 0 for row in rows)
    assert result["ratios"]["rps_16"] > 0.3
    assert result["journal"]["dropped"] == 0 and result["journal"]["exchanges"] > 100
    text = summary(result)
    assert "of the bare forwarder's requests per second" in text and "sse10-200kb" in text
    assert told[-1][:2] == (15, 15) and told[0][2] == "sse10 x1 direct"
