"""The loop's report: one file that asks nothing of the network, whole without script, safe with bad text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.bench.loop.page import render
from skillclaw.bench.loop.plot import APART, GAP, forest, plot, ticks
from skillclaw.bench.loop.report import result_json
from skillclaw.bench.loop.results import Attempt, Night, Proposed

HOSTILE = "<script>alert(1)</script>&\"'\u202eevil"
VOID = {"meta", "br", "wbr", "hr", "img", "input", "link"}
ARMS = ("evolving", "frozen", "ceiling")


class Reader(HTMLParser):
    """What a browser makes of a page: its tags balanced, its links and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)


def attempts(days: int = 3, *, name: str = "lease") -> list[Attempt]:
    """Four templates; the evolving arm gets better each day, the others do not."""
    found = []
    for day in range(days + 1):
        for number in range(4):
            for instance in range(4):
                for arm, good in zip(ARMS, (day, 0, 3), strict=True):
                    if day == 0 and arm == "evolving":
                        continue
                    success = instance < good
                    found.append(
                        Attempt(
                            arm=arm,  # type: ignore[arg-type]
                            phase="held_out" if day else "screen",
                            day=day,
                            suite="house",
                            category=f"{name}-{number % 2}",
                            template=f"{name}-{number}",
                            task=f"{name}-{number}-{day}-{instance}",
                            seed=100 * day + instance,
                            variant="template" if number == 3 else "instance",
                            success=success,
                            score=float(success),
                            steps=10 - day,
                            tokens_in=5000,
                            tokens_out=300 - day,
                            seconds=4.0,
                            turns=1,
                        )
                    )
    return found


def nights() -> list[Night]:
    refused = Proposed(skill="exports-in-utc", action="refine", verdict="reject", reason="one user only")
    return [
        Night(
            day=1,
            sessions=9,
            patterns=4,
            proposals=(refused,),
            released=("lease-first",),
            usd=0.25,
            seconds=3.0,
        ),
        Night(
            day=2, sessions=9, patterns=0, tokens=1200, calls=3, seconds=5.0, error="the model did not answer"
        ),
    ]


def page(*args: Any, **more: Any) -> str:
    return render(result_json(*args, seed=4, draws=200, **more))


def test_the_page_says_what_the_result_says_without_script() -> None:
    result = result_json(attempts(), nights(), seed=4, draws=200, how={"model": "coder", "users": 3})
    text = render(result)
    read = Reader(re.sub(r"<script>.*?</script>", "", text, flags=re.S))
    words = " ".join(" ".join(read.words).split())
    assert result["verdict"] == "supported"
    for part in (
        "The skills that evolved helped",
        f"+{100 * result['effect']:.1f}",
        "16 pairs of 4 templates: 12 better, 0 worse",
        "templates never met",
        "lease-first",
        "exports-in-utc",
        "one user only",
        "the cycle failed",
        "the model did not answer",
        "coder",
        result["criterion"],
        "lease-1",
    ):
        assert part in words, part
    assert "day 3, evolving: 75.0% (95% interval 51% to 90%)" in words


def test_the_page_of_a_results_json_is_the_same() -> None:
    result = result_json(attempts(), nights(), seed=4, draws=200)
    assert render(json.loads(json.dumps(result))) == render(result)


@pytest.mark.parametrize("days", [0, 1, 2])
def test_every_stage_of_a_run_has_a_page(days: int) -> None:
    text = page(attempts(days), last_day=3)
    read = Reader(text)
    words = " ".join(read.words)
    assert ("The run is not done" if days else "The screening of templates") in words
    assert "The skills that evolved" not in words
    assert "hand-written skills − none, screening" in words


def test_nothing_at_all_has_a_page() -> None:
    assert "None in 0 attempts." in " ".join(Reader(page([])).words)


def test_harm_and_doubt_are_said_in_words() -> None:
    swap = {"evolving": "frozen", "frozen": "evolving"}
    other = [
        Attempt(**{**_fields(a), "arm": swap.get(a.arm, a.arm)}) for a in attempts() if a.phase == "held_out"
    ]
    assert "The skills that evolved did harm" in page(other)
    assert "Not shown: that the evolved skills helped" in page(
        [a for a in attempts() if a.day < 2]  # on the first day one instance of four is better: p = 0.125
    )


def test_a_run_that_is_not_valid_says_so_first() -> None:
    spoilt = [Attempt(**{**_fields(a), "error": "no server"}) if a.arm == "frozen" else a for a in attempts()]
    text = page(spoilt)
    assert "<h1>The run is not valid: it shows nothing</h1>" in text
    assert "48 of 48 (frozen)" in text


def _fields(a: Attempt) -> dict[str, Any]:
    return {name: getattr(a, name) for name in a.__struct_fields__}


def test_the_page_asks_nothing_of_the_network() -> None:
    text = page(attempts(), nights())
    for tag, name, value in Reader(text).attributes:
        assert name not in ("src", "srcset", "action", "style") and not name.startswith("on"), (tag, name)
        if name == "href":
            assert value.startswith("#")
    assert "url(" not in text and "@import" not in text and "http:" not in text and "https:" not in text


def test_only_the_pages_own_style_and_script_may_run() -> None:
    text = page(attempts(), nights())
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert "default-src &#39;none&#39;" in policy or "default-src 'none'" in policy
    for tag in ("style", "script"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, flags=re.S)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert digest in policy.replace("&#43;", "+")


def test_hostile_text_is_shown_not_obeyed() -> None:
    bad = [
        Attempt(**{**_fields(a), "error": HOSTILE if n % 30 == 0 else "", "suite": HOSTILE})
        for n, a in enumerate(attempts(name=HOSTILE))
    ]
    proposed = Proposed(skill=HOSTILE, action=HOSTILE, verdict=HOSTILE, reason=HOSTILE)
    night = Night(
        day=1, sessions=1, patterns=1, proposals=(proposed,), released=("x", HOSTILE + "2"), seconds=1.0
    )
    failed = Night(day=2, sessions=1, patterns=1, seconds=1.0, error=HOSTILE)
    text = page(bad, [night, failed], how={HOSTILE: [HOSTILE]}, forecast={HOSTILE: HOSTILE})
    assert text.count("<script>") == 1
    assert "\u202e" not in text
    assert "[U+202E]evil" in text
    Reader(text)


def test_arms_differ_by_shape_and_line_not_by_colour_alone() -> None:
    text = page(attempts())
    (style,) = re.findall(r"<style>(.*?)</style>", text, flags=re.S)
    dashes = re.findall(r"\.a-(\w+) \.line \{ stroke-dasharray: ([^;]+);", style)
    assert {arm for arm, _ in dashes} == {"frozen", "ceiling"} and len({d for _, d in dashes}) == 2
    marks = {"evolving": "<circle", "frozen": "<rect", "ceiling": '<path d="M'}
    for arm, shape in marks.items():
        (drawn,) = set(re.findall(rf"<title>day \d, {arm}: [^<]*</title>\s*({shape})", text))
        assert drawn == shape


def test_every_plot_says_its_last_figures_to_those_who_do_not_see_it() -> None:
    labels = [
        v for tag, name, v in Reader(page(attempts())).attributes if (tag, name) == ("svg", "aria-label")
    ]
    assert len(labels) == 7  # two widths of the first, two categories, three of cost
    assert "Success. day 3, evolving: 75.0%" in labels[0]
    assert "day 3, frozen: 0.0%" in labels[0]


def test_links_within_the_page_have_their_ends() -> None:
    for given_ in (attempts(), attempts(0)):
        read = Reader(page(given_))
        assert len(set(read.ids)) == len(read.ids)
        assert {v[1:] for _, name, v in read.attributes if name == "href"} <= set(read.ids)


ROW = st.fixed_dictionaries(
    {
        "day": st.integers(0, 40),
        "arm": st.sampled_from(ARMS),
        "success": st.none() | st.floats(0, 1),
        "steps": st.none() | st.floats(0, 1e7),
    }
).map(lambda r: r | {"ci": None if r["success"] is None else (r["success"] / 2, (1 + r["success"]) / 2)})


@given(st.lists(ROW, max_size=40, unique_by=lambda r: (r["day"], r["arm"])), st.booleans())
def test_nothing_is_drawn_outside_its_plot(rows: list[dict[str, Any]], percent: bool) -> None:
    key = "success" if percent else "steps"
    found = plot(rows, key, title="T", width=380, height=200, percent=percent, named=percent)
    for series in found.series:
        for p in series.points:
            assert found.left <= p.x <= found.right
            assert found.top - 0.1 <= p.high <= p.y <= p.low <= found.bottom + 0.1
    labels = sorted(s.label for s in found.series)
    assert all(b - a >= GAP - 0.2 for a, b in pairwise(labels))
    assert all(found.top - 0.1 <= v <= found.bottom + 0.1 for v in labels)
    assert sum(len(s.points) for s in found.series) == sum(r[key] is not None for r in rows)
    xs = [x for x, _ in found.days]
    assert all(b - a >= APART for a, b in pairwise(xs))


@given(st.floats(0, 1e12))
def test_an_axis_is_round_and_holds_its_values(most: float) -> None:
    found = ticks(most)
    assert found[0] == 0 and found[-1] >= most * (1 - 1e-9)
    assert 2 <= len(found) <= 7
    assert most < 1e-6 or found[-1] <= most * 2


def test_an_interval_lies_about_its_difference() -> None:
    up, none, down = forest(0.5, (0.2, 0.8)), forest(0.1, (-0.2, 0.4)), forest(-0.5, (-0.8, -0.2))
    assert up and none and down
    assert (up.side, none.side, down.side) == ("up", "none", "down")
    assert up.left < up.x < up.right and up.left > up.zero > down.right
    assert forest(None, None) is None
