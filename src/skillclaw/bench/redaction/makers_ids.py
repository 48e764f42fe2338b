"""Makers of numbers with check digits: cards, IBANs and the national numbers of persons.

Each takes its argument as the docstring says. The rules are those of the issuing bodies as collected by
python-stdnum, which judges the results in the tests.
"""

from __future__ import annotations

from random import Random
from string import ascii_uppercase, digits

from skillclaw.bench.redaction.cases import Maker
from skillclaw.bench.redaction.makers_text import some

__all__ = ["MAKERS"]

CARDS: dict[str, tuple[tuple[str, ...], int]] = {
    "visa": (("4539", "4916", "4485", "4024", "4556"), 16),
    "mastercard": (("5212", "5398", "5425", "2221", "2720"), 16),
    "amex": (("3412", "3715", "3782"), 15),
    "discover": (("6011", "6510"), 16),
    "jcb": (("3528", "3566"), 16),
    "diners": (("3600", "3852"), 14),
    "unionpay": (("6222", "6217"), 16),
    "maestro": (("6759", "6763"), 16),
}
# The account part after the check digits: A letter, N digit (ISO 13616 registry).
IBANS = {
    "DE": "N" * 18,
    "GB": "AAAA" + "N" * 14,
    "FR": "N" * 23,
    "NL": "AAAA" + "N" * 10,
    "ES": "N" * 20,
    "IT": "A" + "N" * 22,
    "CH": "N" * 17,
    "AT": "N" * 16,
    "BE": "N" * 12,
    "PL": "N" * 24,
    "SE": "N" * 20,
    "PT": "N" * 21,
}
VERHOEFF = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)
DIHEDRAL = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
DNI_LETTERS = "TRWAGMYFPDX" + "BNJZSQVHLCKE"
HETU_SIGNS = digits + "ABCDEFHJKL" + "MNPRSTUVWXY"
CN_REGIONS = ("110105", "310115", "440305", "330106", "510107", "320102")


def _day(rng: Random) -> tuple[str, str, str]:
    """Year, month and day of birth; days stop at 28."""
    return str(rng.randint(1950, 1999)), f"{rng.randint(1, 12):02}", f"{rng.randint(1, 28):02}"


def _weighted(number: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True))


def luhn_digit(number: str) -> str:
    """The digit that makes `number` pass the Luhn test (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        double = int(digit) * (2 if place % 2 == 0 else 1)
        total += double - 9 if double > 9 else double
    return str(-total % 10)


def card(rng: Random, argument: str) -> str:
    """A card number; the argument is a network of `CARDS`, with `spaced` or `dashed` behind a comma."""
    network, _, style = argument.partition(",")
    prefixes, size = CARDS[network]
    start = rng.choice(prefixes)
    number = start + some(rng, digits, size - len(start) - 1)
    number += luhn_digit(number)
    cuts = (4, 10, 15) if size == 15 else (4, 10, 14) if size == 14 else (4, 8, 12, 16)
    groups = [number[a:b] for a, b in zip((0, *cuts), cuts, strict=False)]
    return {"": "", "spaced": " ", "dashed": "-"}[style].join(groups)


def iban(rng: Random, argument: str) -> str:
    """An IBAN (ISO 13616); the argument is the country, with `spaced` behind a comma for groups of four."""
    country, _, style = argument.partition(",")
    body = "".join(rng.choice(ascii_uppercase if c == "A" else digits) for c in IBANS[country])
    number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    text = f"{country}{98 - number % 97:02}{body}"
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4)) if style == "spaced" else text


def ssn(rng: Random, argument: str) -> str:
    """A US social security number, hyphenated unless the argument is `plain`."""
    area = rng.choice([*range(1, 666), *range(667, 899)])
    parts = f"{area:03}", f"{rng.randint(1, 99):02}", f"{rng.randint(1, 9999):04}"
    return ("" if argument == "plain" else "-").join(parts)


def nino(rng: Random, argument: str) -> str:
    """A UK national insurance number; `spaced` writes it in pairs."""
    while True:
        first, second = rng.choice("ABCEGHJKLMNOPRSTWXYZ"), rng.choice("ABCEGHJKLMNPRSTWXYZ")
        if first + second not in {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"}:
            break
    number = some(rng, digits, 6)
    parts = [first + second, number[:2], number[2:4], number[4:], rng.choice("ABCD")]
    return (" " if argument == "spaced" else "").join(parts)


def steuer_id(rng: Random, argument: str) -> str:
    """A German tax number of a person (11 digits, ISO 7064 mod 11,10); `spaced` as on letters."""
    while True:
        nine = rng.sample(digits, 9)
        ten = [*nine, rng.choice(nine)]
        rng.shuffle(ten)
        if ten[0] != "0" and not any(ten[i] == ten[i + 1] == ten[i + 2] for i in range(8)):
            break
    product = 10
    for digit in ten:
        product = 2 * ((int(digit) + product) % 10 or 10) % 11
    text = "".join(ten) + str((11 - product) % 10)
    return f"{text[:2]} {text[2:5]} {text[5:8]} {text[8:]}" if argument == "spaced" else text


def nir(rng: Random, argument: str) -> str:
    """A French number of social security with its key; `spaced` as on the card."""
    year, month, _ = _day(rng)
    department = rng.choice([n for n in range(1, 96) if n != 20])
    parts = [
        rng.choice("12"),
        year[2:],
        month,
        f"{department:02}",
        f"{rng.randint(1, 700):03}",
        f"{rng.randint(1, 900):03}",
    ]
    key = 97 - int("".join(parts)) % 97
    return (" " if argument == "spaced" else "").join([*parts, f"{key:02}"])


def codice_fiscale(rng: Random, _: str) -> str:
    """An Italian tax code of a person."""
    year, month, day = _day(rng)
    consonants = "BCDFGLMNPRSTVZ"
    born = f"{int(day) + rng.choice((0, 40)):02}"
    place = rng.choice(("H501", "F205", "L219", "F839", "D612", "A944"))
    body = some(rng, consonants, 6) + year[2:] + "ABCDEHLMPRST"[int(month) - 1] + born + place
    total = 0
    for index, sign in enumerate(body):
        value = int(sign) if sign.isdigit() else ord(sign) - 65
        total += ODD[value] if index % 2 == 0 else value
    return body + chr(65 + total % 26)


def dni(rng: Random, _: str) -> str:
    """A Spanish DNI."""
    number = rng.randint(10_000_000, 79_999_999)
    return f"{number}{DNI_LETTERS[number % 23]}"


def nie(rng: Random, _: str) -> str:
    """A Spanish number of a foreigner."""
    kind, number = rng.choice("012"), some(rng, digits, 7)
    return f"{'XYZ'[int(kind)]}{number}{DNI_LETTERS[int(kind + number) % 23]}"


def resident_id(rng: Random, _: str) -> str:
    """A Chinese resident's number (GB 11643)."""
    body = rng.choice(CN_REGIONS) + "".join(_day(rng)) + f"{rng.randint(1, 999):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[_weighted(body, weights) % 11]


def aadhaar(rng: Random, argument: str) -> str:
    """An Indian Aadhaar (Verhoeff's check digit); `spaced` in fours."""
    body = rng.choice("23456789") + some(rng, digits, 10)
    check = 0
    for place, digit in enumerate(reversed(body), start=1):
        check = int(DIHEDRAL[check][int(VERHOEFF[place % 8][int(digit)])])
    text = body + next(str(d) for d in range(10) if DIHEDRAL[check][d] == "0")
    return f"{text[:4]} {text[4:8]} {text[8:]}" if argument == "spaced" else text


def pan(rng: Random, _: str) -> str:
    """An Indian tax account number of a person."""
    letters = some(rng, ascii_uppercase, 5)
    return f"{letters[:3]}P{letters[3]}{rng.randint(1, 9999):04}{letters[4]}"


def cpf(rng: Random, argument: str) -> str:
    """A Brazilian CPF, with dots and hyphen unless `plain`."""
    body = some(rng, digits, 9)
    for _ in range(2):
        weights = tuple(range(len(body) + 1, 1, -1))
        body += str(-_weighted(body, weights) % 11 % 10)
    return body if argument == "plain" else f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def bsn(rng: Random, _: str) -> str:
    """A Dutch citizen's number (the test of eleven)."""
    while True:
        body = rng.choice("123") + some(rng, digits, 7)
        check = _weighted(body, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
        if check < 10:
            return body + str(check)


def pesel(rng: Random, _: str) -> str:
    """A Polish PESEL."""
    year, month, day = _day(rng)
    body = year[2:] + month + day + some(rng, digits, 4)
    return body + str(-_weighted(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10)


def personnummer(rng: Random, _: str) -> str:
    """A Swedish personal number."""
    year, month, day = _day(rng)
    body = year[2:] + month + day + f"{rng.randint(100, 979)}"
    return f"{body[:6]}-{body[6:]}{luhn_digit(body)}"


def sin(rng: Random, _: str) -> str:
    """A Canadian social insurance number, in threes."""
    body = rng.choice("1234567") + some(rng, digits, 7)
    text = body + luhn_digit(body)
    return f"{text[:3]} {text[3:6]} {text[6:]}"


def tfn(rng: Random, _: str) -> str:
    """An Australian tax file number, in threes."""
    while True:
        text = rng.choice("123456789") + some(rng, digits, 8)
        if _weighted(text, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0:
            return f"{text[:3]} {text[3:6]} {text[6:]}"


def national_register(rng: Random, _: str) -> str:
    """A Belgian number of the national register."""
    year, month, day = _day(rng)
    order = f"{rng.randint(1, 997):03}"
    return f"{year[2:]}.{month}.{day}-{order}.{97 - int(year[2:] + month + day + order) % 97:02}"


def hetu(rng: Random, _: str) -> str:
    """A Finnish personal identity code."""
    year, month, day = _day(rng)
    order = f"{rng.randint(2, 899):03}"
    born = day + month + year[2:]
    return f"{born}-{order}{HETU_SIGNS[int(born + order) % 31]}"


def ahv(rng: Random, _: str) -> str:
    """A Swiss AHV number (EAN-13 check digit)."""
    body = "756" + some(rng, digits, 9)
    text = body + str(-_weighted(body, (1, 3) * 6) % 10)
    return f"{text[:3]}.{text[3:7]}.{text[7:11]}.{text[11:]}"


def rrn(rng: Random, _: str) -> str:
    """A South Korean resident registration number."""
    year, month, day = _day(rng)
    body = year[2:] + month + day + rng.choice("12") + f"{rng.randint(0, 95):02}" + some(rng, digits, 3)
    weights = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
    return f"{body[:6]}-{body[6:]}{(11 - _weighted(body, weights) % 11) % 10}"


def my_number(rng: Random, _: str) -> str:
    """A Japanese individual number, in fours."""
    body = rng.choice("123456789") + some(rng, digits, 10)
    rest = _weighted(body, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    text = body + str(0 if rest <= 1 else 11 - rest)
    return f"{text[:4]} {text[4:8]} {text[8:]}"


MAKERS: dict[str, Maker] = {
    "luhn": card,
    "iban": iban,
    "ssn": ssn,
    "nino": nino,
    "steuer_id": steuer_id,
    "nir": nir,
    "codice_fiscale": codice_fiscale,
    "dni": dni,
    "nie": nie,
    "resident_id": resident_id,
    "aadhaar": aadhaar,
    "pan": pan,
    "cpf": cpf,
    "bsn": bsn,
    "pesel": pesel,
    "personnummer": personnummer,
    "sin": sin,
    "tfn": tfn,
    "national_register": national_register,
    "hetu": hetu,
    "ahv": ahv,
    "rrn": rrn,
    "my_number": my_number,
}
