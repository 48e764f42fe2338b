"""The held-out corpus is sound: what its labels say is so, and its parts share nothing."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import combinations
from random import Random
from typing import get_args
from urllib.parse import unquote, unquote_plus

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iban, luhn
from stdnum.au import tfn
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.in_ import aadhaar, pan
from stdnum.iso7064 import mod_11_2
from stdnum.it import codicefiscale
from stdnum.jp import in_ as my_number
from stdnum.kr import rrn
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.se import personnummer
from stdnum.us import ssn

from skillclaw.bench.redaction.carriers import CARRIERS, carry
from skillclaw.bench.redaction.cases import Case, Group, Half, expand, lines_of
from skillclaw.bench.redaction.held_out import LATER, MAKERS, cases, clean_lines, contexts, entries

HALVES: tuple[Half, ...] = get_args(Half)
GROUPS: tuple[Group, ...] = ("secret", "personal")
JUDGES: dict[str, Callable[[str], bool]] = {
    "ssn": ssn.is_valid,
    "steuer_id": idnr.is_valid,
    "nir": nir.is_valid,
    "codice_fiscale": codicefiscale.is_valid,
    "dni": dni.is_valid,
    "nie": nie.is_valid,
    "resident_id": mod_11_2.is_valid,
    "aadhaar": aadhaar.is_valid,
    "pan": pan.is_valid,
    "cpf": cpf.is_valid,
    "bsn": bsn.is_valid,
    "pesel": pesel.is_valid,
    "personnummer": personnummer.is_valid,
    "sin": sin.is_valid,
    "tfn": tfn.is_valid,
    "national_register": nn.is_valid,
    "hetu": hetu.is_valid,
    "ahv": ahv.is_valid,
    "rrn": rrn.is_valid,
    "my_number": my_number.is_valid,
    "luhn": lambda number: luhn.is_valid(re.sub(r"[ -]", "", number)),
    "iban": lambda number: iban.is_valid(number, check_country=False),
}
ARGUMENTS = {
    "nir": ("", "spaced"),
    "steuer_id": ("", "spaced"),
    "aadhaar": ("", "spaced"),
    "cpf": ("", "plain"),
    "luhn": (
        "visa",
        "mastercard,spaced",
        "amex",
        "amex,spaced",
        "discover",
        "jcb,dashed",
        "diners",
        "unionpay",
        "maestro",
    ),
    "iban": ("DE", "GB,spaced", "FR", "NL", "ES", "IT", "CH,spaced", "AT", "BE", "PL", "SE", "PT,spaced"),
}


@cache
def made(half: Half) -> list[Case]:
    return cases(half, 7)


@cache
def clean(half: Half) -> list[str]:
    return clean_lines(half, 7)


@pytest.mark.slow
@pytest.mark.parametrize("half", HALVES)
def test_the_seed_decides_everything(half: Half) -> None:
    assert cases(half, 7) == made(half)
    assert clean_lines(half, 7) == clean(half)
    assert {case.text for case in cases(half, 8)}.isdisjoint({case.text for case in made(half)})


@pytest.mark.slow
@pytest.mark.parametrize("half", HALVES)
def test_every_half_is_large_and_wide(half: Half) -> None:
    groups = {
        group: Counter(c.kind for c in made(half) if c.group == group) for group in ("secret", "personal")
    }
    assert len(made(half)) >= 3000
    assert len(groups["secret"]) >= 60
    assert len(groups["personal"]) >= 20
    assert {case.carrier for case in made(half)} == set(CARRIERS)
    assert len(clean(half)) >= 5000
    assert len(set(clean(half))) == len(clean(half))


@pytest.mark.slow
@pytest.mark.parametrize("half", HALVES)
def test_each_value_stands_in_its_text_and_is_long_enough_to_tell(half: Half) -> None:
    for case in made(half):
        assert case.values, case
        for value in case.values:
            assert value in case.text, (case.kind, case.carrier, value)
            assert len(value) >= 5, (case.kind, case.carrier, value)


@pytest.mark.slow
@pytest.mark.parametrize("half", HALVES)
def test_no_placeholder_is_left(half: Half) -> None:
    left = re.compile(
        r"(?<![${])\{(?:" + "|".join(MAKERS) + r"|value|also|what|url|name|NAME|camel|kebab)(?::[^{}]*)?\}"
    )
    for text in [*(case.text for case in made(half)), *clean(half)]:
        assert not left.search(text), text


@pytest.mark.slow
@pytest.mark.parametrize("half", HALVES)
def test_no_value_stands_in_a_clean_line(half: Half) -> None:
    lines = "\n".join(line for other in HALVES for line in clean(other))
    values = {value for case in made(half) if case.carrier == "plain" for value in case.values}
    assert len(values) > 2000
    assert [value for value in values if value in lines] == []


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), list(combinations(HALVES, 2)))
def test_the_parts_share_no_surroundings_no_values_and_no_clean_lines(one: Half, other: Half) -> None:
    pair = one, other
    first, second = (
        {text for g in GROUPS for e in entries(g, half) for text in contexts(e, half)} for half in pair
    )
    assert first.isdisjoint(second)
    assert {case.text for case in made(one)}.isdisjoint(case.text for case in made(other))
    plain = [[c for c in made(half) if c.group == "secret" and c.carrier == "plain"] for half in pair]
    long = [{value for case in some for value in case.values if len(value) >= 24} for some in plain]
    assert long[0].isdisjoint(long[1])
    assert set(clean(one)).isdisjoint(clean(other))


def test_some_kinds_are_unknown_to_the_first_half() -> None:
    known, tested = ({case.kind for case in made(half)} for half in ("validation", "test"))
    assert known < tested
    assert len(tested - known) >= 20


def test_each_kind_has_a_source_and_four_surroundings_or_more() -> None:
    for group in GROUPS:
        for entry in entries(group):
            assert entry.source, entry.kind
            assert len(contexts(entry, "validation")) + len(contexts(entry, "test")) >= 4, entry.kind
            assert contexts(entry, "test"), entry.kind
        assert len({entry.kind for entry in entries(group)}) == len(entries(group))


@pytest.mark.parametrize("half", LATER)
def test_a_later_part_has_its_own_kinds_surroundings_and_templates(half: Half) -> None:
    shown: set[str] = set()
    for group in GROUPS:
        kinds = entries(group, half)
        assert len({entry.kind for entry in kinds}) == len(kinds)
        for entry in kinds:
            assert entry.source, entry.kind
            assert len(contexts(entry, half)) >= 2, entry.kind
            assert not entry.validation + entry.test, entry.kind
            shown.update(contexts(entry, half))
    assert len(shown) >= 150


@pytest.mark.slow
@pytest.mark.parametrize("half", LATER)
def test_frequent_kinds_of_a_later_part_come_more_often(half: Half) -> None:
    counts = Counter(case.kind for case in made(half))
    for group in GROUPS:
        weights = {entry.kind: entry.weight for entry in entries(group, half)}
        heavy = max(weights, key=weights.__getitem__)
        light = min(weights, key=weights.__getitem__)
        assert counts[heavy] == counts[light] * weights[heavy] // weights[light] > counts[light]


@pytest.mark.parametrize("name", JUDGES)
def test_check_digits_are_right(name: str) -> None:
    rng = Random(3)
    for argument in ARGUMENTS.get(name, ("",)):
        for _ in range(200):
            number = MAKERS[name](rng, argument)
            assert JUDGES[name](number), (argument, number)


def test_a_wrong_check_digit_would_be_seen() -> None:
    number = MAKERS["luhn"](Random(1), "visa")
    assert not JUDGES["luhn"](number[:-1] + str((int(number[-1]) + 1) % 10))


@pytest.mark.parametrize("name", ["ipv4", "ipv6"])
def test_addresses_are_public(name: str) -> None:
    rng = Random(5)
    for argument in ("", "short"):
        assert all(ipaddress.ip_address(MAKERS[name](rng, argument)).is_global for _ in range(300))


def test_private_addresses_are_not() -> None:
    rng = Random(5)
    assert all(ipaddress.ip_address(MAKERS["private_ip"](rng, "")).is_private for _ in range(300))


@pytest.mark.slow
def test_clean_lines_name_no_public_address() -> None:
    number = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
    found = {match.group() for half in HALVES for line in clean(half) for match in number.finditer(line)}
    assert len(found) > 50
    public = []
    for text in found:
        try:
            public += [text] if ipaddress.ip_address(text).is_global else []
        except ValueError:
            continue
    versions = [line for half in HALVES for line in clean(half) for text in public if text in line]
    assert all(re.search(r"(?i)version|chrome", line) for line in versions), versions


# Carriers


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="{}"), max_size=60)


@given(before=TEXTS, after=TEXTS, size=st.integers(12, 90), seed=st.integers(0, 10**6))
@settings(max_examples=examples(80), deadline=None)
def test_a_carried_value_reads_as_labelled(before: str, after: str, size: int, seed: int) -> None:
    value = "Q" + MAKERS["b64"](Random(seed), str(size)) + "Z"
    text = f"{before}\nkey: {value}\n{after}"
    for name in CARRIERS:
        for half in HALVES:
            carried = carry(name, text, (value,), Random(seed), half)
            if carried is None:
                assert name in ("url_query", "base64_file", "base64_lines")
                continue
            assert all(one in carried[0] for one in carried[1]), name


@given(
    seed=st.integers(0, 10**6),
    value=st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=16, max_size=40),
)
@settings(max_examples=examples(80), deadline=None)
def test_the_base64_part_stands_for_bytes_of_the_value_alone(seed: int, value: str) -> None:
    text = f"start {seed} = {value};"
    carried = carry("base64_file", text, (value,), Random(seed), "validation")
    assert carried is not None
    part = base64.b64decode(carried[1][0])
    assert part in value.encode()
    assert len(part) >= len(value.encode()) - 4


def test_what_was_carried_comes_out_again() -> None:
    text, value = 'name: "ä"\npassword: tür+"zu"\\7/8%', 'tür+"zu"\\7/8%'
    rng = Random(2)
    for half in HALVES:
        body, (read,) = carry("json_in_json", text, (value,), rng, half) or ("", ("",))
        inner = json.loads(json.loads(body)["body"])
        assert text in inner.values()
        assert read in body
        for line in (text.split("\n")[1],):
            body, (read,) = carry("url_query", line, (value,), rng, half) or ("", ("",))
            assert value in (unquote_plus(read), unquote(read))
            assert read in body
        body, (read,) = carry("crlf", text, (value,), rng, half) or ("", ("",))
        assert body.count("\r\n") == 2


def test_base64_in_lines_labels_every_line_of_the_value() -> None:
    value = MAKERS["b62"](Random(1), "200")
    carried = carry("base64_lines", f"token={value}\n", (value,), Random(1), "test")
    assert carried is not None
    text, parts = carried
    assert len(parts) >= 3
    assert "".join(parts) in text.replace("\n", "")
    with pytest.raises(binascii.Error):
        base64.b64decode("".join(parts) + "A", validate=True)


# The template language


def test_placeholders_and_what_is_none() -> None:
    template = '{a} {b:1-2} ${c} {lit:d} {"e": 1} {} { f } {0} {{g}}'
    assert expand(template, lambda name, argument: f"<{name}|{argument}>") == (
        '<a|> <b|1-2> ${c} {d} {"e": 1} {} { f } {0} {<g|>}'
    )


def test_a_value_of_several_lines_takes_the_indent_of_its_place() -> None:
    assert (
        expand("key: |\n    {v}\nend", lambda name, argument: "one\ntwo") == "key: |\n    one\n    two\nend"
    )


def test_an_unknown_maker_is_an_error() -> None:
    with pytest.raises(KeyError):
        expand("{nobody}", lambda name, argument: MAKERS[name](Random(1), argument))


def test_the_public_lines_of_a_key_file_are_no_values() -> None:
    key = MAKERS["pem"](Random(1), "RSA")
    lines = lines_of(key)
    assert len(lines) == key.count("\n") - 1
    assert not any("BEGIN" in line or "END" in line for line in lines)
