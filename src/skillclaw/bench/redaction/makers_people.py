"""Makers of what points at a person: names, addresses for mail, telephones, hosts and home folders."""

from __future__ import annotations

import ipaddress
from random import Random
from string import digits

from skillclaw.bench.redaction.cases import Maker
from skillclaw.bench.redaction.makers_text import some

__all__ = ["MAKERS"]

FIRST = (
    *(
        "Annika",
        "Bernhard",
        "Chloe",
        "Dmitri",
        "Elodie",
        "Fatima",
        "Giorgio",
        "Hannelore",
        "Ishaan",
        "Jolanta",
    ),
    *(
        "Katarzyna",
        "Leandro",
        "Marisol",
        "Nikolai",
        "Oluwaseun",
        "Priyanka",
        "Quentin",
        "Rosalind",
        "Siobhan",
    ),
    *("Tomasz", "Ulrike", "Valentina", "Wolfgang", "Xiomara", "Yusuf", "Zuzana", "Ingeborg", "Mateusz"),
)
LAST = (
    *("Kowalczyk", "Brandauer", "Delacroix", "Okonkwo", "Fernandez", "Grünwald", "Hashimoto", "Iyengar"),
    *("Jankowski", "Lindqvist", "Marchetti", "Novotny", "Oyelaran", "Petrovic", "Quintero", "Rautenberg"),
    *("Sokolova", "Tanaka", "Ueberroth", "Vandenberg", "Whitcombe", "Yilmaz", "Zimmermann", "Castellanos"),
)
UMLAUTS = str.maketrans({"ü": "ue", "ö": "oe", "ä": "ae", "ß": "ss"})
MAIL_HOSTS = (
    *(
        "gmail.com",
        "outlook.com",
        "gmx.de",
        "yahoo.co.uk",
        "posteo.de",
        "qq.com",
        "163.com",
        "protonmail.com",
    ),
    *("web.de", "orange.fr", "mail.ru", "nordwind-logistik.de", "hartmann-partner.com", "kestrelworks.io"),
)
WIDE_HOSTS = ("müller-bäckerei.de", "bücher-köln.de", "café-lumière.fr", "公司.cn")
WIDE_NAMES = ("jürgen.müßig", "zoë.lindström", "françois.lefèvre", "王小明", "дмитрий.иванов")
FIRST_OCTETS = (
    *range(31, 38),
    *range(77, 96),
    *range(109, 114),
    *range(145, 150),
    *range(176, 186),
    *range(212, 218),
)
V6_HEADS = ("2a02:8108", "2a01:4f8", "2600:1700", "2604:a880", "2003:ed", "2001:41d0", "2400:cb00")
PHONES = {
    "us": (
        "+1 ({a}{2}) {b}{2}-{4}",
        "+1-{a}{2}-{b}{2}-{4}",
        "({a}{2}) {b}{2}-{4}",
        "{a}{2}-{b}{2}-{4}",
        "+1{a}{2}{b}{2}{4}",
        "{a}{2}.{b}{2}.{4}",
    ),
    "de": (
        "+49 151 {4}{4}",
        "+49 (0)89 {3} {4}",
        "0171 {3}{4}",
        "+4915{1}{4}{4}",
        "030/{4}{4}",
        "0049 221 {3}{4}",
    ),
    "uk": ("+44 7{3} {3}{3}", "07{3} {3} {3}", "+44 (0)20 7{3} {4}", "020 7{3} {4}", "+447{3}{3}{3}"),
    "fr": ("+33 6 {2} {2} {2} {2}", "06 {2} {2} {2} {2}", "+336{2}{2}{2}{2}", "01.{2}.{2}.{2}.{2}"),
    "cn": ("+86 138 {4} {4}", "139{4}{4}", "+86-21-6{3}{4}", "+86186{4}{4}"),
    "in": ("+91 98{3} {3}{2}", "+9198{4}{4}", "+91-97{4}{4}"),
    "br": ("+55 11 9{4}-{4}", "(21) 9{4}-{4}", "+55119{4}{4}"),
    "jp": ("+81 90-{4}-{4}", "080-{4}-{4}", "+81-3-{4}-{4}"),
    "es": ("+34 6{2} {3} {3}", "+346{2}{3}{3}", "6{2} {2} {2} {2}"),
    "it": ("+39 34{1} {3} {4}", "+39 02 {4} {4}", "+3934{1}{3}{4}"),
    "pl": ("+48 60{1} {3} {3}", "+4860{1}{3}{3}"),
    "au": ("+61 4{2} {3} {3}", "04{2} {3} {3}"),
}


def _plain(name: str) -> str:
    return name.lower().translate(UMLAUTS)


def email(rng: Random, argument: str) -> str:
    """A mail address; its rarer forms are `plus`, `unicode`, `quoted`, `upper` and `sub` (a deeper host)."""
    first, last = _plain(rng.choice(FIRST)), _plain(rng.choice(LAST))
    local = rng.choice(
        (
            f"{first}.{last}",
            f"{first[0]}{last}",
            f"{first}_{last}{rng.randint(1, 99)}",
            f"{last}{rng.randint(60, 99)}",
        )
    )
    host = rng.choice(MAIL_HOSTS)
    if argument == "plus":
        return f"{local}+{rng.choice(('shop', 'ci', 'newsletter', 'aws', 'test1'))}@{host}"
    if argument == "unicode":
        name = rng.choice(WIDE_NAMES)
        return rng.choice(
            (f"{name}@{rng.choice(WIDE_HOSTS)}", f"{name}@{host}", f"{local}@{rng.choice(WIDE_HOSTS)}")
        )
    if argument == "quoted":
        return f'"{first} {last}"@{host}'
    if argument == "sub":
        return f"{local}@mail.eu-{rng.randint(1, 9)}.{rng.choice(MAIL_HOSTS)}"
    if argument == "upper":
        return f"{first.title()}.{last.title()}@{host.title()}"
    return f"{local}@{host}"


def phone(rng: Random, argument: str) -> str:
    """A telephone number as written in a country of `PHONES`; `de,2` takes the third way of writing."""
    country, _, index = argument.partition(",")
    forms = PHONES[country]
    form = forms[int(index)] if index else rng.choice(forms)
    form = form.replace("{a}", rng.choice("23456789")).replace("{b}", rng.choice("2346789"))
    for size in "1234":
        while "{" + size + "}" in form:
            form = form.replace("{" + size + "}", some(rng, digits, int(size)), 1)
    return form


def ipv4(rng: Random, _: str) -> str:
    """A public address, none of the reserved or documentation blocks."""
    while True:
        text = f"{rng.choice(FIRST_OCTETS)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
        if ipaddress.IPv4Address(text).is_global:
            return text


def ipv6(rng: Random, argument: str) -> str:
    """A public address; `short` has a `::`, else all eight groups are written."""
    head = rng.choice(V6_HEADS)
    if argument == "short":
        return (
            f"{head}:{rng.randrange(16, 65536):x}:{rng.randrange(16, 65536):x}::{rng.randrange(16, 65536):x}"
        )
    return ":".join([head, *(f"{rng.randrange(4096, 65536):x}" for _ in range(8 - head.count(":") - 1))])


def user(rng: Random, _: str) -> str:
    """A login name taken from a person's."""
    first, last = _plain(rng.choice(FIRST)), _plain(rng.choice(LAST))
    return rng.choice(
        (first, f"{first[0]}{last}", f"{first}.{last}", f"{last}{first[0]}", f"{first}{rng.randint(2, 99)}")
    )


def windows_user(rng: Random, _: str) -> str:
    """A profile's name on Windows, without spaces."""
    first, last = rng.choice(FIRST), rng.choice(LAST).translate(UMLAUTS)
    return rng.choice((first, f"{first[0]}{last}", f"{first}.{last}", f"{last}{first[0]}".lower()))


MAKERS: dict[str, Maker] = {
    "email": email,
    "phone": phone,
    "ipv4": ipv4,
    "ipv6": ipv6,
    "user": user,
    "windows_user": windows_user,
    "first": lambda rng, _: rng.choice(FIRST),
    "last": lambda rng, _: rng.choice(LAST),
}
