"""How much of what is private redaction finds, and how much of what is not it spoils.

Recall per kind, group and carrier on texts with planted values; false positives on lines that hold nothing
private; speed. A value counts as caught only if at most 4 characters in a row of it, or a quarter of it, can
still be read: in any case of letters, in base64 and in hex. What stands in the text outside of the values,
and in placeholders, is not read from them.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any, Protocol

from skillclaw.evolve.statistics import wilson
from skillclaw.journal.redact import Redactor

__all__ = ["BARS", "Planted", "caught", "dump", "measure", "run_redaction_bench", "summary", "within"]

BARS = {"secret": 0.995, "personal": 0.97, "clean": 0.01}
"""Least recall on secrets and on personal data, most clean lines that may be changed."""
READABLE = 4
_PLACEHOLDER = re.compile(r"<(?:(?:secret|custom):[a-z0-9-]{1,40}|[a-z-]{2,12}):[0-9a-f]{6}>|<user>")


class Planted(Protocol):
    """A text with values in it that nobody may read afterwards.

    `kind` of secret or data; `group` is `secret` or `personal`; `carrier`: what the values stand in.
    """

    @property
    def kind(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def carrier(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def values(self) -> Sequence[str]: ...


def run_redaction_bench(half: str, seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A part of the corpus, measured; and the misses, one a text."""
    held_out = import_module("skillclaw.bench.redaction.held_out")
    redactor = Redactor(b"bench" * 7, home=PurePosixPath("/home/nobody-known"), user_names=())
    result, misses = measure(redactor, held_out.cases(half, seed), held_out.clean_lines(half, seed))
    return {"half": half, "seed": seed, **result}, misses


def measure(
    redactor: Redactor, cases: Iterable[Planted], clean: Iterable[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Recall, false positives and speed of a redactor; and what it missed or spoiled."""
    found: dict[str, dict[str, list[bool]]] = {"group": {}, "kind": {}, "carrier": {}}
    misses: list[dict[str, Any]] = []
    size, spent = 0, 0.0

    def masked(text: str) -> str:
        nonlocal size, spent
        size += len(text.encode("utf-8", "surrogatepass"))
        start = time.perf_counter()
        done = redactor.text(text)[0]
        spent += time.perf_counter() - start
        return done

    for case in cases:
        done = masked(case.text)
        read = [value for value in case.values if not caught(value, case.text, done, case.values)]
        for by in found:
            outcomes = found[by].setdefault(getattr(case, by), [])
            outcomes += [value not in read for value in case.values]
        if read:
            about = {"kind": case.kind, "group": case.group, "carrier": case.carrier}
            misses.append({**about, "text": case.text, "masked": done, "readable": read})
    spoiled = []
    lines = list(clean)
    for line in lines:
        if (done := masked(line)) != line:
            spoiled.append({"kind": "clean", "text": line, "masked": done})
    result = {
        **{f"by_{by}": _rows(by, outcomes) for by, outcomes in found.items()},
        "clean": _rate(len(spoiled), len(lines), "changed"),
        "speed": {"mb": size / 1e6, "seconds": spent, "mb_per_s": size / 1e6 / spent if spent else None},
    }
    return result, [*misses, *spoiled]


def within(result: dict[str, Any]) -> list[str]:
    """The bars that a result of `measure` does not reach, as sentences; none when it holds."""
    failed = []
    for row in result["by_group"]:
        bar = BARS.get(row["group"], 1.0)
        if row["recall"] is not None and row["recall"] < bar:
            failed.append(f"recall on {row['group']} is {row['recall']:.2%}, below {bar:.1%}")
    rate = result["clean"]["rate"]
    if rate is not None and rate > BARS["clean"]:
        failed.append(f"{rate:.2%} of clean lines were changed, above {BARS['clean']:.0%}")
    return failed


def caught(value: str, text: str, masked: str, values: Sequence[str]) -> bool:
    """Whether `value`, which stands in `text` among other `values`, can no longer be read in `masked`."""
    limit = max(READABLE, len(value) // 4)
    if len(value) <= limit:
        return value.lower() not in _PLACEHOLDER.sub("\n", masked).lower() or value in _without(text, values)
    shown = _PLACEHOLDER.sub("\n", masked)
    around = _without(text, values)
    if _reads(value.lower(), limit + 1, shown.lower(), around.lower()):
        return False
    if value in text:
        return True
    packed = _packed(shown)
    raw = value.encode("utf-8", "surrogatepass")
    if _reads(raw.hex(), 2 * (limit + 1), packed.lower(), ""):
        return False
    for shift in range(3):
        blob = base64.b64encode(b"\0" * shift + raw).decode("ascii").rstrip("=")
        # Without the characters that the neighbours in the blob have a part in.
        blob = blob[(0, 2, 3)[shift] : -1]
        if _reads(blob, (limit + 1) * 4 // 3 + 1, packed, ""):
            return False
    return True


def _reads(form: str, chunk: int, shown: str, around: str) -> bool:
    """Whether `chunk` characters in a row of `form` stand in `shown`, though not in `around`."""
    starts = range(len(form) - chunk + 1)
    return any(form[at : at + chunk] in shown and form[at : at + chunk] not in around for at in starts)


def _without(text: str, values: Sequence[str]) -> str:
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "\n")
    return text


def _packed(text: str) -> str:
    return re.sub(r"\\n|\s+", "", text)


def _rows(by: str, outcomes: dict[str, list[bool]]) -> list[dict[str, Any]]:
    rows = []
    for name, seen in sorted(outcomes.items()):
        rows.append({by: name, **_rate(sum(seen), len(seen), "caught", "recall")})
    return rows


def _rate(count: int, of: int, name: str, rate: str = "rate") -> dict[str, Any]:
    return {
        "n": of,
        name: count,
        rate: count / of if of else None,
        "ci": list(wilson(count, of)) if of else None,
    }


def summary(result: dict[str, Any]) -> str:
    """The figures for people: groups, then the kinds and carriers in which something was missed."""
    lines = [f"{'':24}{'n':>7}{'caught':>9}  95% interval"]
    for row in result["by_group"]:
        lines.append(_line(row["group"], row, "recall"))
    for by in ("kind", "carrier"):
        rows = result[f"by_{by}"]
        lines.append(f"\n{len(rows)} {by}s; not all was caught in:")
        missed = [_line(row[by], row, "recall") for row in rows if row["recall"] < 1]
        lines += missed or ["  none"]
    clean, speed = result["clean"], result["speed"]
    lines.append(f"\n{_line('clean lines changed', clean, 'rate')}")
    if speed["mb_per_s"] is not None:
        lines.append(f"{speed['mb']:.2f} MB in {speed['seconds']:.2f} s: {speed['mb_per_s']:.2f} MB/s")
    return "\n".join(lines)


def _line(name: str, row: dict[str, Any], rate: str) -> str:
    if row[rate] is None:
        return f"{name:24}{0:>7}"
    low, high = row["ci"]
    return f"{name:24}{row['n']:>7}{row[rate]:>9.2%}  {low:.2%} to {high:.2%}"


def dump(misses: Iterable[dict[str, Any]]) -> str:
    """Misses as JSON Lines."""
    return "".join(json.dumps(miss, ensure_ascii=False) + "\n" for miss in misses)
