"""`bench redaction`: its measure can fail, and redaction reaches the bars on the development half."""

# ruff: noqa: E501  (one case a line reads best)

from __future__ import annotations

import base64
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest
from cli import skillclaw
from redaction_dev import FORMS, HARMLESS, PLANTED, PRIVATE, PUBLIC

from skillclaw.bench.redaction_measure import BARS, caught, measure, run_redaction_bench, within
from skillclaw.journal.redact import Redactor


class Case(NamedTuple):
    kind: str
    group: str
    carrier: str
    text: str
    values: list[str]


def redactor() -> Redactor:
    return Redactor(b"k" * 32, home=PurePosixPath("/home/alice"), user_names=["alice"])


PERSONAL = ("email", "phone", "mobile", "card", "iban", "chinese id", "home", "prompt")
DEV = [
    *(
        Case(name, "personal" if any(p in name for p in PERSONAL) else "secret", "line", text.replace("@@", value, 1), [value])
        for name, text, value in PLANTED
    ),
    *(Case(kind, "secret", "sentence", f"use {value} now", [value]) for kind, value in FORMS.items() if "://" not in value and " " not in value),
    *(Case(kind, "personal", "line", text.replace("@@", value, 1), [value]) for kind, text, value in PRIVATE),
]  # fmt: skip


def test_the_development_half_reaches_the_bars() -> None:
    result, misses = measure(redactor(), DEV, [*HARMLESS, *PUBLIC])
    assert not within(result), misses
    assert len(result["by_kind"]) > 150
    assert {row["group"] for row in result["by_group"]} == {"secret", "personal"}
    assert result["speed"]["mb_per_s"] > 0


class _Blind(Redactor):
    """Finds nothing."""

    def text(self, text: str):  # type: ignore[no-untyped-def]
        return text, {}


class _Eager(Redactor):
    """Masks everything."""

    def text(self, text: str):  # type: ignore[no-untyped-def]
        return "<email:000000>", {}


def test_a_blind_redactor_fails_and_an_eager_one_too() -> None:
    blind, misses = measure(_Blind(b"k" * 32, home=PurePosixPath("/x"), user_names=[]), DEV, HARMLESS)
    assert {row["recall"] for row in blind["by_group"]} == {0.0}
    assert len(misses) == len(DEV)
    assert len(within(blind)) == 2
    eager, spoiled = measure(_Eager(b"k" * 32, home=PurePosixPath("/x"), user_names=[]), DEV, HARMLESS)
    assert {row["recall"] for row in eager["by_group"]} == {1.0}
    assert eager["clean"]["changed"] == len(spoiled) == len(HARMLESS)
    assert within(eager) == [f"100.00% of clean lines were changed, above {BARS['clean']:.0%}"]


VALUE = "q7W" + "x9Lm2Rt5Zp8Kv"


@pytest.mark.parametrize(
    ("masked", "gone"),
    [
        ("key <secret:value:abcdef> end", True),
        (f"key {VALUE} end", False),
        (f"key {VALUE.upper()} end", False),
        (f"key <secret:value:abcdef>{VALUE[-4:]} end", True),
        (f"key <secret:value:abcdef>{VALUE[-5:]} end", False),
        (f"key {VALUE[:6]}<secret:value:abcdef>", False),
    ],
)
def test_a_value_is_caught_only_if_hardly_any_of_it_can_be_read(masked: str, gone: bool) -> None:
    assert caught(VALUE, f"key {VALUE} end", masked, [VALUE]) is gone


@pytest.mark.parametrize("lead", ["", "a", "ab"])
def test_a_value_in_base64_or_hex_counts_as_readable(lead: str) -> None:
    blob = base64.b64encode(f"{lead}{VALUE}.".encode()).decode()
    assert not caught(VALUE, f"data: {blob}", f"data: {blob}", [VALUE])
    assert caught(VALUE, f"data: {blob}", "data: <secret:base64:abcdef>", [VALUE])
    dump = " ".join(f"{lead}{VALUE}"[i : i + 2].encode().hex() for i in range(0, 18, 2))
    assert not caught(VALUE, dump, dump, [VALUE])


def test_what_the_name_beside_it_says_is_not_read_from_the_value() -> None:
    value = "password" + "123!"
    assert caught(value, f"password={value}", "password=<secret:password:abcdef>", [value])


def test_a_half_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    done = skillclaw("bench", "redaction", "--half", "dev", home=tmp_path)
    assert done.returncode == 2
    assert "validation, test, final, fourth, fifth or sixth" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("half", ["validation", "final", "fourth", "fifth"])
def test_the_parts_that_the_rules_were_mended_with_reach_the_bars(half: str) -> None:
    result, _ = run_redaction_bench(half, 0)
    assert not within(result)
