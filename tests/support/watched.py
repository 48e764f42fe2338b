"""What packaging's alerts and dashboard ask Prometheus, read by a parser of PromQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "packaging" / "alerts.yaml"
DASHBOARD = ROOT / "packaging" / "grafana" / "skillclaw.json"
SCRAPED = frozenset({"instance", "job"})
"""Labels that Prometheus adds to what it scrapes."""
OWN = re.compile(r"skillclaw_(?:proxy|journal|up|process|home)_\w+")
"""Metrics of `up`; all others are the evolve server's."""


@dataclass(frozen=True)
class Query:
    """An expression, where it stands, and the labels that the text beside it shows."""

    where: str
    text: str
    shown: frozenset[str] = frozenset()

    @property
    def parsed(self) -> Any:
        """Its tree. ValueError for what is no PromQL."""
        grafana = {"$__rate_interval": "5m", "$instance": ".*"}
        text = self.text
        for name, value in grafana.items():
            text = text.replace(name, value)
        return promql_parser.parse(text)

    def selectors(self) -> list[Any]:
        """The metrics that it asks for, each with its matchers."""
        return [node for node in _nodes(self.parsed) if isinstance(node, promql_parser.VectorSelector)]

    def wrong(self, known: dict[str, set[str]]) -> list[str]:
        """What of it is not in `known`: labels by the names of samples."""
        told = []
        for one in self.selectors():
            if one.name not in known:
                told.append(f"{self.where}: no metric {one.name}")
            asked = {match.name for match in one.matchers.matchers} - SCRAPED
            told += [
                f"{self.where}: {one.name} has no {label}" for label in asked - known.get(one.name, set())
            ]
        have = SCRAPED.union(*(known.get(one.name, set()) for one in self.selectors()))
        for node in _nodes(self.parsed):
            if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
                told += [f"{self.where}: nothing has {label}" for label in set(node.modifier.labels) - have]
        return told + [f"{self.where}: shows {label}, which it has not" for label in self.shown - have]


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for name in ("lhs", "rhs", "expr", "vector_selector", "args"):
        inner = getattr(node, name, None)
        for one in inner if isinstance(inner, list) else [] if inner is None else [inner]:
            yield from _nodes(one)


def alerts(name: str = "") -> list[dict[str, Any]]:
    """The rules of the group with this name; without one of all."""
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"] if name in ("", group["name"])]


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels that show something."""
    found = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def queries() -> list[Query]:
    """Everything that is asked."""
    found = [
        Query(
            rule["alert"],
            rule["expr"],
            frozenset(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])),
        )
        for rule in alerts()
    ]
    return found + [
        Query(
            f"panel {panel['title']}",
            target["expr"],
            frozenset(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])),
        )
        for panel in panels()
        for target in panel["targets"]
    ]


def samples(scrape: str) -> dict[str, set[str]]:
    """The labels of each sample of a scrape, by its name; of families that have none yet by the family's."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(scrape):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
        if not family.samples:
            ends = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
            found |= {family.name + end: set() for end in ends}
    return found
