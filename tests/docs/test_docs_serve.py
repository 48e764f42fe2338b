"""docs/serve.md and packaging/alerts.yaml say what the server has: settings with their defaults, metrics."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import msgspec
from watched import OWN, queries

from skillclaw.server.api.metrics import OUTCOMES, STATES, Metrics
from skillclaw.settings import ServeSettings, Settings, load

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "serve.md").read_text("utf-8")


def _metrics() -> dict[str, set[str]]:
    """Each metric with its labels, by the name that a scrape has."""
    found: dict[str, set[str]] = {}
    made = Metrics(cast(Any, None))  # nothing is asked before a scrape
    for collector in made.registry._collector_to_names:
        one = cast(Any, collector)
        for name in made.registry._collector_to_names[collector]:
            found[name] = set(one._labelnames)
    return found


def _shown(default: object) -> str:
    if isinstance(default, float):
        return f"{default:g}"
    return "empty" if default == "" else "[]" if default == () else str(default).lower()


def test_every_setting_is_told_with_its_default() -> None:
    told: dict[str, str] = {}
    rows = re.findall(r"^\| (`serve\.[^|]+) \| ([^|]+) \|", TEXT, re.MULTILINE)
    for keys, defaults in rows:
        names = re.findall(r"`serve\.(\w+)`", keys)
        values = [value.strip("` ") for value in defaults.split(", ")]
        told |= dict(zip(names, values * (len(names) // len(values)), strict=True))
    real = {field.name: _shown(field.default) for field in msgspec.structs.fields(ServeSettings)}
    assert told == real


def test_the_variables_that_are_shown_are_settings() -> None:
    shown = re.findall(r"(SKILLCLAW_[A-Z_]+__[A-Z_]+)=(\d+|\.\.\.)", TEXT)
    assert shown
    for name, value in shown:
        assert isinstance(load(ROOT / "nowhere", {name: value if value != "..." else "x"}), Settings)


def test_every_metric_that_is_named_exists() -> None:
    known = _metrics()
    named = re.findall(r"`(skillclaw_\w+)(?:\{([\w,]+)\})?`", TEXT)
    assert len(named) > 10
    for name, labels in named:
        assert name in known, name
        assert set(filter(None, labels.split(","))) == known[name], name
    section = TEXT.partition("## What to watch")[2].partition("\n## ")[0]
    assert all(word in section for word in (*STATES, *OUTCOMES))


def test_alerts_and_dashboard_ask_the_server_for_labels_that_it_has() -> None:
    """tests/server/test_server_api.py asks it for real, where metrics without samples show no labels."""
    known = _metrics() | {"up": {"job"}}
    known |= {name: {*labels, "le"} for name, labels in known.items() if name.endswith("_bucket")}
    asked = [one for one in queries() if not any(OWN.fullmatch(s.name) for s in one.selectors())]
    assert len(asked) > 20
    assert [problem for one in asked for problem in one.wrong(known)] == []


def test_the_version_is_the_same_in_paths_and_document_and_told() -> None:
    """docs/serve-api.md says how to tell a version; the exact document has it."""
    document = msgspec.json.decode((ROOT / "docs" / "openapi.json").read_bytes())
    version = document["info"]["version"]
    bare = {"/healthz", "/readyz", "/metrics"}
    assert {path.split("/")[2] for path in document["paths"] if path not in bare} == {f"v{version}"}
    told = (ROOT / "docs" / "serve-api.md").read_text("utf-8").rpartition("## Version")[2]
    assert f"The API is version {version}:" in told and all(f"`{path}`" in told for path in bare)
