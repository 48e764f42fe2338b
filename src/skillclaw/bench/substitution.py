"""A session as a template, and new sessions by filling it.

The JSON text of a session is cut at names, titles, addresses, dates, ids and codes. One value has one slot,
wherever and however it is written, so that filling keeps origins: what was in the user's words and in an
argument is in both again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import isqrt
from random import Random
from typing import NamedTuple

import msgspec

from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import SessionMeta, Trajectory, decode, encode, meta, with_meta
from skillclaw.trajectory.text import word_set

__all__ = ["Template", "fill", "names_in", "template"]

MIN_USERS = 8
DAYS = 180
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
MODELS = ("model-a", "model-b", "model-c", "model-d", "model-e", "model-f")
POOL = 1009
TITLES = 53_993
"""Primes: so that (a * i + b) modulo them never gives two values one replacement."""
WEEKS = 260
"""Dates move by whole weeks, up to five years: weekdays stay right."""

KEY, NATIVE, USER, MODEL, STAMP, ASKED = (
    f"zz{x}zz" for x in ("key", "native", "user", "model", "at", "asked")
)

_ONSETS = (
    "bel",
    "cor",
    "dan",
    "fen",
    "gil",
    "har",
    "jor",
    "kal",
    "lin",
    "mar",
    "nor",
    "pel",
    "ros",
    "sel",
    "ver",
)
_MIDDLES = ("a", "e", "i", "o", "u", "ai", "ea", "io", "au")
_ENDS = ("ba", "do", "fin", "gar", "ka", "lis", "mon", "ren")
_FIRST = tuple(sorted(f"{a}{b}{c}" for a in _ONSETS for b in _MIDDLES for c in _ENDS)[:POOL])
_A = word_set(
    "Annual Brief Central Digital Early Final Global Hybrid Initial Joint Key Late Mobile New Open Pilot "
    "Quick Regional Shared Technical Urgent Virtual Weekly Yearly Broad Clear Deep Extra Fresh Grand"
)
_B = word_set(
    "Budget Client Delivery Energy Finance Growth Hiring Inventory Journey Kitchen Launch Market Network "
    "Office Product Quality Risk Sales Travel Usage Vendor Website Brand Cost Design Event Fleet Garden "
    "Harbour Image Jury Kiosk Letter Museum Novel Order Paper Radio Studio Theatre"
)
_C = word_set(
    "Analysis Briefing Check Debrief Estimate Forecast Guide Handover Intake Kickoff Layout Meeting Notes "
    "Outline Plan Questions Review Summary Timeline Update Vote Walkthrough Workshop Agenda Board Call "
    "Draft Exchange Forum Group Hearing Index Lesson Memo Outlook Panel Query Report Session Talk Upgrade "
    "View Wrap Audit Brief"
)
_TITLE_WORDS = (sorted(_A), sorted(_B), sorted(_C))

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_NAMED = re.compile(
    r"\b([a-z]{3,})[._]([a-z]{3,})@|\b([a-z]{3,})_([a-z]{3,})_\d{4}(?!\d)"
    r"|(?:first_name|last_name)\\*\": *\\*\"([A-Za-z]{3,})"
    r"|customer_name\\*\": *\\*\"([A-Z][a-z]{2,}) ([A-Z][a-z]{2,})\\*\""
    r"|company_directory\.find_email_address\",\"arguments\":\{\"name\":\"([A-Za-z]{3,})\"",
)
_NO_NAMES = word_set(
    "email mail info support team noreply may will mark grace hope user order card credit gift item the and "
    "for all new account action session brainstorming set digital test "
    "temporary member frontend your person whoever "
    # Words of ATIF itself.
    "system agent text image audio source step steps success failure unknown signals reported history import"
)
_TITLED = word_set("event_name task_name subject title query new_value")
_EDGE = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
"""A word begins here: in JSON text a line break is a backslash and a letter."""
_TOKEN = (
    r"(?P<iso>(?<!\d)\d{4}-\d\d-\d\d(?!\d))"
    rf"|{_EDGE}(?P<month>" + "|".join(f"{m}|{m[:3]}" for m in _MONTHS) + r")(?P<gap>\.? )"
    r"(?P<day>\d{1,2})(?P<th>st|nd|rd|th)?(?!\d)"
    r"|(?P<address>(?<!\d)\d{2,4} [A-Z][a-z]+ (?=(?:Street|Drive|Avenue|Lane|Road|Court|Boulevard)\b))"
    rf"|{_EDGE}(?P<code>(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{{6}}(?![A-Za-z0-9]))"
    r"|(?P<digits>\d{6,}|(?<=_)\d{4}(?!\d))"
    r"|(?P<own>zz[a-z]+zz)"
)
_BREAK = "\\n"
"""A line break as JSON text has it, in strings within strings too."""
_WORDS = re.compile(r"\\+[nrt]|[A-Za-z]+")


class _Slot(NamedTuple):
    """A value to fill in: its kind, which one it is, and how it is written there."""

    kind: str
    ident: int
    style: str


_Span = tuple[int, int, _Slot | None]


class Template(NamedTuple):
    """Pieces of a session's JSON; every second one is to be filled, the nth of these by `slots[which[n]]`."""

    agent: str
    pieces: list[str]
    which: list[int]
    slots: list[_Slot]


def names_in(real: Sequence[Trajectory]) -> dict[str, int]:
    """Names of people anywhere in the sessions, lower case, numbered; no words that tools, arguments or the
    format itself use.
    """
    found: set[str] = set()
    taken = set(_NO_NAMES)
    for trajectory in real:
        text = msgspec.json.encode(trajectory.steps).decode().replace(_BREAK, " ")
        for groups in _NAMED.findall(text):
            found.update(name.lower() for name in groups if name)
        for call in (c for s in trajectory.steps for c in s.tool_calls or []):
            for word in (call.function_name, *call.arguments):
                taken.update(re.findall(r"[a-z]+", word.lower()))
    return {name: number for number, name in enumerate(sorted(found - taken))}


def template(real: Trajectory, names: dict[str, int]) -> Template:
    titles = _titles(real)
    text = encode(_opened(real, titles, names)).decode()
    pattern = _pattern(titles, sorted(w for w in set(_WORDS.findall(text)) if w.lower() in names))
    years = Counter(re.findall(r"(?<!\d)(\d{4})-\d\d-\d\d", text))
    year = int(min(years, key=lambda y: (-years[y], y), default="2023"))
    seen: dict[str, int] = {}
    known: dict[str, list[_Span]] = {}
    pieces: list[str] = []
    which: list[int] = []
    slots: dict[_Slot, int] = {}
    literal: list[str] = []
    # By lines, for outputs repeat them.
    for number, line in enumerate(text.split(_BREAK)):
        if number:
            literal.append(_BREAK)
        if line not in known:
            known[line] = [_span(token, names, year, seen) for token in pattern.finditer(line)]
        done = 0
        for start, end, slot in known[line]:
            if slot is not None:
                literal.append(line[done:start])
                pieces += ["".join(literal), ""]
                literal = []
                which.append(slots.setdefault(slot, len(slots)))
                done = end
        literal.append(line[done:])
    pieces.append("".join(literal))
    return Template(real.agent.name, pieces, which, list(slots))


def _span(token: re.Match[str], names: dict[str, int], year: int, seen: dict[str, int]) -> _Span:
    return token.start(), token.end(), _slot(token, names, year, seen)


def _pattern(titles: Sequence[str], words: Sequence[str]) -> re.Pattern[str]:
    """What is substituted in a text that holds these titles and these names, as they are written in it."""
    parts = [_TOKEN]
    if titles:
        parts.insert(0, f"(?P<title>(?i:{'|'.join(re.escape(t) for t in titles)}))")
    if words:
        parts.append(rf"(?:(?<![A-Za-z])|(?<=\\[nrt]))(?P<word>{'|'.join(words)})(?![A-Za-z])")
    return re.compile("|".join(parts))


def _opened(real: Trajectory, titles: Sequence[str], names: dict[str, int]) -> Trajectory:
    """The session with marks where identity goes; a request that names nothing gets a name, so that requests
    differ.
    """
    known = meta(real)
    steps = [
        msgspec.structs.replace(s, model_name=MODEL if s.model_name else None, timestamp=None)
        for s in real.steps
    ]
    at = next((i for i, s in enumerate(steps) if s.source == "user" and isinstance(s.message, str)), None)
    if at is not None:
        said = str(steps[at].message)
        own = any(t.lower() in said.lower() for t in titles) or any(
            word.lower() in names for word in re.findall(r"[A-Za-z]+", said)
        )
        if not own:
            steps[at] = msgspec.structs.replace(steps[at], message=f"{said.rstrip()} ({ASKED} asked for it)")
    steps[0] = msgspec.structs.replace(steps[0], timestamp=STAMP)
    marked = SessionMeta(
        key=KEY,
        source="import",
        user=USER,
        project=known.project,
        outcome=known.outcome,
        reward=known.reward,
        confidence=known.confidence,
        signals=known.signals,
    )
    agent = msgspec.structs.replace(real.agent, model_name=MODEL)
    return with_meta(
        Trajectory(schema_version=real.schema_version, agent=agent, steps=steps, session_id=NATIVE), marked
    )


def _titles(real: Trajectory) -> list[str]:
    """Titles that the user gave and calls used, the longest first."""
    said = "\n".join(
        s.message for s in real.steps if s.source == "user" and isinstance(s.message, str)
    ).lower()
    found = {
        value.lower()
        for step in real.steps
        for call in step.tool_calls or []
        for name, value in call.arguments.items()
        if name in _TITLED
        and isinstance(value, str)
        and re.fullmatch(r"[A-Za-z][A-Za-z&,-]*(?: [A-Za-z&,-]+)+", value)
        and value.lower() in said
    }
    return sorted(found, key=lambda t: (-len(t), t))


def _slot(token: re.Match[str], names: dict[str, int], year: int, seen: dict[str, int]) -> _Slot | None:
    kind, text = token.lastgroup or "", token.group()
    if kind in ("title", "address"):
        number = seen.setdefault(text.lower(), len(seen))
        return _Slot(kind, number, "lower" if text.islower() else "title")
    if kind == "word":
        return _Slot("name", names[text.lower()], _case(text))
    if kind == "iso":
        try:
            return _Slot("iso", date.fromisoformat(text).toordinal(), "")
        except ValueError:
            return None
    if token["month"]:
        month = next(i for i, m in enumerate(_MONTHS, 1) if m[:3] == token["month"][:3])
        try:
            day = date(year, month, int(token["day"])).toordinal()
        except ValueError:
            return None
        full = len(token["month"]) > 3 or month == 5
        return _Slot(
            "month", day, f"{'full' if full else 'short'}|{token['gap']}|{'th' if token['th'] else ''}"
        )
    if kind == "code":
        return _Slot("code", seen.setdefault(text, len(seen)), text)
    if kind == "digits":
        return _Slot("digits", int(text), str(len(text)))
    return _Slot("own", 0, text)


def _case(text: str) -> str:
    return "lower" if text.islower() else "upper" if text.isupper() and len(text) > 1 else "title"


def _cased(text: str, style: str) -> str:
    return text if style == "lower" else text.upper() if style == "upper" else text.title()


class _Draw(NamedTuple):
    """The random choices of one session."""

    own: dict[str, str]
    step: int
    offset: int
    odd: int
    days: int
    turn: int


def fill(form: Template, number: int, seed: int) -> Trajectory:
    random = Random(number * 1_000_003 + seed)  # noqa: S311 - data, not secrets
    native = f"{seed}-{number}"
    users = max(MIN_USERS, isqrt(number + 1))
    at = START + timedelta(days=random.randrange(DAYS), seconds=random.randrange(36_000))
    own = {
        KEY: session_key(form.agent, native),
        NATIVE: native,
        USER: f"user-{random.randrange(users):05}",
        MODEL: random.choice(MODELS),
        STAMP: at.isoformat(),
        ASKED: _FIRST[random.randrange(POOL)].title(),
    }
    draw = _Draw(
        own,
        random.randrange(1, POOL),
        random.randrange(TITLES),
        2 * random.randrange(1, 500) * 5 + random.choice((1, 3, 7, 9)),
        7 * random.randrange(WEEKS),
        random.randrange(1, 9),
    )
    values = [_value(slot, draw) for slot in form.slots]
    pieces = list(form.pieces)
    pieces[1::2] = [values[which] for which in form.which]
    return decode("".join(pieces))


def _value(slot: _Slot, draw: _Draw) -> str:
    kind, ident, style = slot
    if kind == "name":
        return _cased(_FIRST[(draw.step * ident + draw.offset) % POOL], style)
    if kind == "digits":
        length = int(style)
        return f"{(ident * draw.odd + draw.offset) % 10**length:0{length}d}"
    if kind == "iso":
        return date.fromordinal(ident + draw.days).isoformat()
    if kind == "own":
        return draw.own.get(style, style)
    if kind == "title":
        return _cased(_title((draw.step * (ident + 1) + draw.offset) % TITLES), style)
    if kind == "month":
        return _written(date.fromordinal(ident + draw.days), style)
    if kind == "code":
        return "".join(_turned(c, draw.turn) for c in style)
    index = draw.step * ident + draw.offset
    return f"{10 + index % 990} {_FIRST[index % POOL].title()} "


def _title(index: int) -> str:
    first, second, third = _TITLE_WORDS
    index, a = divmod(index, len(first))
    c, b = divmod(index, len(second))
    return f"{first[a]} {second[b]} {third[c % len(third)]}".lower()


def _turned(char: str, by: int) -> str:
    if char.isdigit():
        return str((int(char) + by) % 10)
    return chr(65 + (ord(char) - 65 + by) % 26)


def _written(day: date, style: str) -> str:
    form, gap, th = style.split("|")
    month = _MONTHS[day.month - 1] if form == "full" else _MONTHS[day.month - 1][:3]
    if th:
        th = "th" if 10 < day.day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    return f"{month}{gap}{day.day}{th}"
