"""The report: one page, nothing from outside, and nothing in it that a session's text can steer."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import shutil
import subprocess
import unicodedata
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.evolve.ranking import (
    Changes,
    ClusterPoint,
    CycleView,
    EffectLine,
    ProposalLine,
    ReleasedLine,
    SetAside,
    changed,
    marks,
)
from skillclaw.skills.records import Pattern, PatternKind, Ref, Stats, Verdict
from skillclaw.web.clusters import HEIGHT, WIDTH, choose, place
from skillclaw.web.drawing import axis, forest
from skillclaw.web.labels import name
from skillclaw.web.report import render
from skillclaw.web.text import number, odds, visible, width

HOSTILE = (
    "<script>alert(1)</script>\"><img src=x onerror=alert(1)>' onmouseover=alert(1) "
    "</title></style></textarea><!-- {{ 7*7 }} {% raw %} &lt;b&gt; javascript:alert(1) "
    "\x1b[31mred\x1b]0;t\x07 \u202egnp.exe\u202c \u2066x\u2069 nul\x00 \u200b\ufeff "
    "\x85 \ud800 \U000e0041 ]]>"
)
KINDS: tuple[PatternKind, ...] = ("procedure", "recovery", "pitfall", "correction")


def pattern(n: int, title: str = "Call update_event, not delete_event") -> Pattern:
    ratio = 0.2 + n % 50
    return Pattern(
        id=f"p{n:05}",
        kind=KINDS[n % 4],
        title=f"{title} {n}" if n else title,
        topic="calendar",
        signature=f"s{n}",
        evidence=[
            Ref(session=f"{n}-{k}", user=f"u{k % 3}", agent="codex", day=f"2026-01-{k % 9 + 1:02}")
            for k in range(6)
        ],
        contradictions=[Ref(session=f"{n}-c", user="u9", agent="codex", day="2026-01-01", success=False)],
        stats=Stats(
            with_n=6,
            with_success=5,
            without_n=12 + n % 7,
            without_success=n % 9,
            odds_ratio=ratio if n % 5 else None,
            ci=(ratio / 3, ratio * 4) if n % 5 else None,
            q=0.001 * (n % 90),
            recency=0.7,
        ),
    )


def cluster(n: int, sessions: int | None = None, terms: dict[str, float] | None = None) -> ClusterPoint:
    size = sessions if sessions is not None else 3 + (n * n) % 90
    return ClusterPoint(
        id=f"c{n:04}",
        label=f"Move the meeting {n} to another day",
        topic="calendar",
        sessions=size,
        users=2,
        success=size // 3,
        failure=size - size // 3,
        terms=terms if terms is not None else {f"t{n % 11}": 2.0, f"t{n % 7 + 20}": 1.0, f"own{n}": 0.5},
    )


def view(patterns: int = 12, clusters: int = 30, text: str = "") -> CycleView:
    made = [pattern(n, text) if text else pattern(n) for n in range(patterns)]
    points = [cluster(n) for n in range(clusters)]
    if text:
        points = [
            msgspec.structs.replace(p, label=text, topic=text, id=f"{n}{text}") for n, p in enumerate(points)
        ]
        made = [msgspec.structs.replace(p, topic=text, kind=p.kind) for p in made]
    say = text or "git"
    return CycleView(
        cycle=text or "3f9c0a61d2b47e58",
        time=text or "2026-01-01T00:00:00Z",
        sessions=500,
        episodes=900,
        patterns=made,
        clusters=[*points, cluster(9000, 1), cluster(9001, 2)],
        proposals=[
            ProposalLine(
                id="1",
                skill=say,
                action=text or "create",
                verdict=text or "held",
                patterns=[p.id for p in made[:2]],
                reasons=[Verdict(check=say, verdict="hold", reason=text or "One user supports it.")],
            )
        ],
        released=[ReleasedLine(skill=say, version=text or "ab" * 32, stage=text or "canary")],
        effects=[
            EffectLine(
                skill=say, version="cd" * 32, read_n=40, read_success=30, control_n=38, control_success=19
            ),
            EffectLine(
                skill="known",
                version="ef" * 32,
                read_n=40,
                read_success=30,
                control_n=38,
                control_success=19,
                odds_ratio=3.0,
                ci=(1.1, 8.2),
            ),
        ],
        set_aside=[SetAside(session=say, reason=text or "No step could be read.")],
        confounders={made[0].id: [text or "mostly one model"]} if made else {},
    )


class Page(HTMLParser):
    """What a browser would see: elements with attributes, and texts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text: list[str] = []
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.raw:
            self.raw[self._inside].append(data)
        else:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def told(text: str) -> str:
    """A page on which `text` stands everywhere that a session, a skill or a person could put it."""
    made = view(text=text)
    before = [
        msgspec.structs.replace(m, sessions=1, ci=(90.0, 91.0), verdicts={text: text})
        for m in marks(made)[3:]
    ]
    gone = msgspec.structs.replace(before[0], id="gone")
    return render(made, changed([*before, gone], marks(made)))


@pytest.fixture(scope="module")
def hostile() -> str:
    return told(HOSTILE)


def test_text_of_sessions_and_skills_adds_no_element_and_no_attribute(hostile: str) -> None:
    plain = Page(told("some_thing"))
    page = Page(hostile)
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in plain.elements}
    known = {name for _, attrs in plain.elements for name in attrs}
    assert {name for _, attrs in page.elements for name in attrs} <= known
    assert not [name for name in known if name.startswith("on") or name in ("src", "style", "xlink:href")]
    assert sum(tag == "script" for tag, _ in page.elements) == 1
    assert sum(tag == "style" for tag, _ in page.elements) == 1
    assert "<script>alert(1)</script>" in page.words, "the text itself is shown"
    assert "{{ 7*7 }}" in page.words, "and not evaluated"


def test_no_invisible_or_turning_character_reaches_the_page(hostile: str) -> None:
    bad = {c for c in hostile if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn")}
    assert bad == set()
    hostile.encode("utf-8")
    assert "[U+202E]gnp.exe" in hostile
    assert "\u241b[31mred" in hostile
    assert "nul\u2400" in hostile


def test_the_policy_lets_only_the_pages_own_style_and_script_run(hostile: str) -> None:
    page = Page(hostile)
    policy = next(
        attrs["content"]
        for tag, attrs in page.elements
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == "'none'"
    for kind in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256("".join(page.raw[kind]).encode()).digest()).decode()
        assert parts[f"{kind}-src"] == f"'sha256-{digest}'"


def test_nothing_is_asked_of_the_network(hostile: str) -> None:
    for text in (hostile, render(view(), Changes())):
        page = Page(text)
        links = [attrs["href"] for _, attrs in page.elements if "href" in attrs]
        assert links and all(link is not None and link.startswith("#") for link in links)
        assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|https?:", "".join(page.raw["style"]))
        assert not re.search(r"fetch\(|XMLHttpRequest|import\(|https?:", "".join(page.raw["script"]))


def test_the_anchors_of_the_navigation_exist() -> None:
    page = Page(render(view(), Changes()))
    ids = {attrs["id"] for _, attrs in page.elements if "id" in attrs}
    assert {f"#{mark}" for mark in ids} >= {a["href"] for _, a in page.elements if "href" in a}


@pytest.mark.slow
def test_two_thousand_patterns_and_a_thousand_clusters_stay_under_a_megabyte_and_a_half() -> None:
    made = view(2000, 1000, text="A long title of a pattern that somebody wrote " * 9)
    text = render(made, changed(marks(made)[:1000], marks(made)))
    assert len(text.encode()) <= 1_500_000
    words = Page(text).words
    assert "1,700 patterns of less value left out" in words
    assert "1,000 clusters with" in words


def test_the_same_input_in_any_order_gives_the_same_page() -> None:
    made = view()
    turned = msgspec.structs.replace(made, patterns=made.patterns[::-1], clusters=made.clusters[::-1])
    assert render(made, Changes()) == render(turned, Changes()) == render(made, Changes())


def test_a_pattern_is_told_with_its_numbers_and_what_it_became() -> None:
    made = view(patterns=1, clusters=0)
    stats = Stats(
        with_n=20, with_success=15, without_n=16, without_success=4, odds_ratio=9.0, ci=(2.0, 40.5), q=0.002
    )
    made = msgspec.structs.replace(made, patterns=[msgspec.structs.replace(made.patterns[0], stats=stats)])
    words = Page(render(made, None, {"p00000": 2.5})).words
    for said in (
        "75% of 20 with",
        "25% of 16 without",
        "9 [2, 40] ; q 0.002".replace(" ;", ";"),
        "7.2 × 75% × 2.5",
        "13.5 [",
        "6 sessions 3 users, 1 agent, 6 days",
        "1 against",
        "mostly one model",
        "create git held",
    ):
        assert said in words, said
    assert "cost was not measured" not in words


def test_what_was_not_measured_is_said_and_no_number() -> None:
    made = view(patterns=1, clusters=0)
    alone = msgspec.structs.replace(made.patterns[0], stats=Stats(with_n=6, with_success=6))
    words = Page(render(msgspec.structs.replace(made, patterns=[alone]), None)).words
    assert "1 pattern without a value" in words
    assert words.count("not measured") >= 3, "value, odds ratio, and the effect without one"
    assert "None" not in words.replace("None:", "") and "nan" not in words.split()


def test_an_empty_cycle_is_a_page_too() -> None:
    words = Page(render(CycleView(cycle="c", time="t", sessions=0, episodes=0), None)).words
    for said in (
        "No pattern has enough support yet",
        "No cluster has 3 sessions yet",
        "nothing to compare with yet",
        "no model was asked",
        "Nothing was proposed",
        "None: every session was read",
    ):
        assert said in words


def test_changes_are_listed() -> None:
    made = view()
    before = [msgspec.structs.replace(m, sessions=2, verdicts={}) for m in marks(made)[1:]]
    words = Page(
        render(
            made,
            changed([*before, msgspec.structs.replace(before[0], id="x", title="Lost one")], marks(made)),
        )
    ).words
    assert "Lost one" in words
    assert "2 → 6 sessions" in words
    assert "git: none → held" in words


def test_small_clusters_are_counted_and_not_drawn() -> None:
    page = Page(render(view(clusters=30), None))
    assert sum(tag == "circle" and "r" in a and "cx" in a and a["r"] != "5" for tag, a in page.elements) == 30
    assert "2 clusters of fewer than 3 sessions not drawn" in page.words


@pytest.mark.parametrize("count", [1, 2, 3, 8, 9, 12, 60])
def test_circles_lie_inside_the_map_and_hide_none(count: int) -> None:
    circles = place([cluster(n) for n in range(count)])
    assert len(circles) == count
    for c in circles:
        assert c.r - 0.2 <= c.x <= WIDTH - c.r + 0.2
        assert c.r - 0.2 <= c.y <= HEIGHT - c.r + 0.2
    for a, b in combinations(circles, 2):
        assert math.dist((a.x, a.y), (b.x, b.y)) >= a.r + b.r - 1.5
        assert (a.r / b.r) ** 2 == pytest.approx(a.point.sessions / b.point.sessions, rel=0.05)


def test_clusters_with_the_same_words_lie_near_each_other() -> None:
    groups = ("mail", "plot", "task")
    points = [
        cluster(n, 10, {f"{groups[n % 3]}{k}": 1.0 for k in range(6)} | {f"own{n}": 0.5}) for n in range(36)
    ]
    circles = {c.point.id: c for c in place(points)}

    def apart(a: int, b: int) -> float:
        one, two = circles[points[a].id], circles[points[b].id]
        return math.dist((one.x, one.y), (two.x, two.y))

    pairs = list(combinations(range(36), 2))
    near = [apart(a, b) for a, b in pairs if a % 3 == b % 3]
    far = [apart(a, b) for a, b in pairs if a % 3 != b % 3]
    assert sum(near) / len(near) < 0.5 * sum(far) / len(far)


@pytest.mark.parametrize("terms", [{}, {"same": 1.0}, {"bad": math.nan}, {"bad": math.inf, "low": -1.0}])
def test_clusters_that_words_do_not_tell_apart_still_have_a_place(terms: dict[str, float]) -> None:
    circles = place([cluster(n, 5, terms) for n in range(20)])
    assert all(math.isfinite(c.x) and math.isfinite(c.y) for c in circles)
    assert len({(c.x, c.y) for c in circles}) == 20


def test_only_the_largest_thousand_are_drawn() -> None:
    chosen = choose([cluster(n, 3 + n) for n in range(1010)])
    assert len(chosen) == 1000
    assert chosen[-1].sessions == 3 + 10


def test_names_on_the_map_neither_overlap_nor_leave_it() -> None:
    size = 12.0
    boxes = []
    for label in name(place([cluster(n) for n in range(60)]), size=size, most=26, line=19):
        wide = max(width(text) for text, _ in label.lines) * size
        left = label.x - {"start": 0.0, "middle": wide / 2, "end": wide}[label.anchor]
        top, bottom = label.lines[0][1] - 0.8 * size, label.lines[-1][1] + 0.2 * size
        assert left >= 0 and left + wide <= WIDTH and top >= 0 and bottom <= HEIGHT
        boxes.append((left, top, left + wide, bottom))
    assert len(boxes) >= 5
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


@given(st.text(), st.integers(1, 50))
def test_visible_text_is_short_one_line_and_holds_nothing_hidden(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert len(shown) <= limit
    assert visible(shown, limit) == shown
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert all(c in "\u200c\u200d" for c in shown if unicodedata.category(c) == "Cf")


def test_words_of_other_scripts_and_emoji_are_kept() -> None:
    for text in ("把会议移到周五", "Привет, мир", "שלום", "👩\u200d💻 ok", "naïve café"):
        assert visible(text) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.00012345, "0.000123"),
        (3.404, "3.4"),
        (99.96, "100"),
        (110.4, "110"),
        (12345.6, "12,346"),
    ],
)
def test_numbers_are_written_for_people(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_ratio_that_cannot_be_computed_is_not_measured() -> None:
    assert odds(None, None) == "not measured"
    assert forest(None, None, axis([])) is None


@given(st.floats(1e-6, 1e6), st.floats(1, 1e3), st.floats(1, 1e3))
def test_intervals_are_drawn_in_order_and_on_the_axis(ratio: float, below: float, above: float) -> None:
    ci = (ratio / below, ratio * above)
    scale = axis([ci])
    drawn = forest(ratio, ci, scale)
    assert drawn is not None
    assert 0 <= drawn.left <= drawn.x <= drawn.right <= scale.width
    assert drawn.side == ("up" if ci[0] > 1 else "down" if ci[1] < 1 else "none")
    assert drawn.beyond_right == (ci[1] > 10.0**scale.high)


@pytest.mark.e2e
def test_a_browser_runs_the_pages_script_and_nothing_of_the_text(hostile: str, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs chromium")
    file = tmp_path / "report.html"
    probe = HOSTILE.replace("alert(1)", "document.title='broken'")
    file.write_text(render(view(text=probe), Changes()), "utf-8")
    quiet = ("gpu", "quic", "background-networking", "component-update", "sync")
    ran = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--no-first-run",
            *(f"--disable-{name}" for name in quiet),
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert '<button type="button">' in ran.stdout, "the sort buttons are made by the page's script"
    assert "<title>broken" not in ran.stdout
    assert "<title>SkillClaw: cycle" in ran.stdout
