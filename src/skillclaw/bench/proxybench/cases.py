"""What is asked of each target, how often at once, and the bars that the answers are held against."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from skillclaw.trajectory.model import Record

__all__ = ["BARS", "CASES", "TARGETS", "Bar", "Case", "body_of"]

TARGETS = ("direct", "bare", "skillclaw", "litellm")
"""No proxy; a forwarder of aiohttp's objects that records nothing; SkillClaw's, recording; LiteLLM's."""


class Case(NamedTuple):
    """One kind of request.

    kind         the upstream's answer: the first part of its path, and the model's name for LiteLLM
    path         the API's path
    size         bytes of the request body, about
    concurrency  connections that ask again as soon as they are answered
    spread       whether they begin evenly over the length of a stream, rather than all at once
    """

    name: str
    kind: str
    path: str
    size: int
    concurrency: int
    spread: bool = False

    @property
    def paced(self) -> bool:
        """Whether the upstream takes its time."""
        return self.kind == "paced"

    @property
    def events(self) -> int:
        """Events of the answer; 0 for a document."""
        return {"sse": 10, "paced": 20}.get(self.kind, 0)


CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
CASES = (
    Case("sse10", "sse", CHAT, 2_000, 1),
    Case("sse10", "sse", CHAT, 2_000, 16),
    Case("sse10", "sse", CHAT, 2_000, 64),
    Case("sse10-messages", "sse", MESSAGES, 2_000, 16),
    Case("sse10-200kb", "sse", CHAT, 200_000, 4),
    Case("json", "json", CHAT, 2_000, 16),
    Case("paced", "paced", CHAT, 2_000, 16),
    Case("paced", "paced", CHAT, 2_000, 64),
    Case("paced-200kb", "paced", CHAT, 200_000, 16),
    Case("paced-spread", "paced", CHAT, 2_000, 16, True),
    Case("paced-200kb-spread", "paced", CHAT, 200_000, 16, True),
)


def body_of(case: Case) -> bytes:
    """The request body: one that both APIs take. The model tells LiteLLM's where to ask."""
    said = "a word and one more " * (case.size // 20 + 1)
    document: Mapping[str, Any] = {
        "model": "claude" if case.path == MESSAGES else case.kind,
        "stream": case.kind != "json",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": said[: max(0, case.size - 120)]}],
    }
    return json.dumps(document, separators=(",", ":")).encode()


class Bar(Record, frozen=True, kw_only=True):
    """A bar of the proxy.

    how      quotient of the two targets, or difference
    against  the other target
    key      of a row; or `rss`, `ready` of the process
    sense    the value must be `least` or `most` the bar
    """

    name: str
    what: str
    how: Literal["quotient", "difference", "value"]
    key: str
    bar: float
    sense: Literal["least", "most"]
    unit: str = ""
    against: str = ""
    case: str = "sse10"
    concurrency: int = 16


BARS = (
    Bar(
        name="rps_16",
        what="requests/s at 16 streams, of the bare forwarder's",
        how="quotient",
        against="bare",
        key="rps",
        bar=0.85,
        sense="least",
    ),
    Bar(
        name="cpu_above_bare_ms",
        what="CPU of a streamed request above the bare forwarder's",
        how="difference",
        against="bare",
        key="cpu_ms",
        bar=0.04,
        sense="most",
        unit="ms",
    ),
    Bar(
        name="p50_1",
        what="p50 at one stream, of the bare forwarder's",
        how="quotient",
        against="bare",
        key="p50_ms",
        bar=1.2,
        sense="most",
        concurrency=1,
    ),
    *(
        Bar(
            name=f"{name}{suffix}",
            what=f"{what} at {concurrency} {said}",
            how="difference",
            against="direct",
            key=key,
            bar=bar,
            sense="most",
            unit="ms",
            case=case,
            concurrency=concurrency,
        )
        for case, concurrency, suffix, said in (
            ("paced", 16, "", "paced streams that begin together"),
            ("paced-spread", 16, "_spread", "paced streams that begin one after another"),
            ("paced-200kb", 16, "_200kb", "paced streams with 200 kB requests, together"),
            ("paced-200kb-spread", 16, "_200kb_spread", "paced streams with 200 kB requests, in turn"),
            ("sse10-200kb", 4, "_200kb_unpaced", "unpaced streams with 200 kB requests"),
        )
        for name, what, key, bar in (
            ("ttfb_added", "added first byte, median,", "ttfb_p50_ms", 2.0),
            ("ttfb_p99_added", "added first byte, p99,", "ttfb_p99_ms", 5.0),
            ("p99_added", "added p99 of the whole answer", "p99_ms", 5.0),
        )
    ),
    Bar(
        name="rss_mb",
        what="memory, at the end",
        how="value",
        key="rss_end_mb",
        bar=80.0,
        sense="most",
        unit="MB",
    ),
    Bar(
        name="ready_s",
        what="from start to ready",
        how="value",
        key="ready_s",
        bar=1.0,
        sense="most",
        unit="s",
    ),
    Bar(
        name="litellm_rps",
        what="requests/s at 16 streams, of LiteLLM's",
        how="quotient",
        against="litellm",
        key="rps",
        bar=80.0,
        sense="least",
    ),
)
