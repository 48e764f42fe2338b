"""National identity, tax and insurance numbers.

A number with a form of its own (`123-45-6789`, `756.1234.5678.97`) is masked where its check digits and dates
are right (python-stdnum, from the issuers' own rules); one that is only digits, where words before it name
it. Words that mean nothing else (passport, social security) need no check.
"""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module

from skillclaw.journal.redact_text import HOLE, Masker

__all__ = ["id_words", "mask_ids"]

Check = Callable[[str], bool]


@cache
def _library(name: str) -> Check:
    """python-stdnum's check of one kind of number; each module is loaded when the first such number comes."""
    module = import_module(f"stdnum.{name}")
    return lambda value: bool(module.is_valid(value))


def _nino(value: str) -> bool:
    """UK: prefixes that are never given out (HMRC, NIM39110)."""
    return value[:2] not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")


def _singapore(value: str) -> bool:
    total = sum(int(d) * w for d, w in zip(value[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    total += {"T": 4, "G": 4, "M": 3}.get(value[0], 0)
    letters = {
        "S": "JZIHGFEDCBA",
        "T": "JZIHGFEDCBA",
        "F": "XWUTRQPNMLK",
        "G": "XWUTRQPNMLK",
        "M": "XWUTRQPNJLK",
    }
    place = 10 - total % 11 if value[0] == "M" else total % 11
    return letters[value[0]][place] == value[8]


def _hong_kong(value: str) -> bool:
    letters, digits, check = (
        value[: value.index("(") - 6],
        value[value.index("(") - 6 : value.index("(")],
        value[-2],
    )
    places = [36, *(ord(c) - 55 for c in letters)] if len(letters) == 1 else [ord(c) - 55 for c in letters]
    total = sum(p * w for p, w in zip([*places, *map(int, digits)], (9, 8, 7, 6, 5, 4, 3, 2), strict=True))
    return (total + (10 if check == "A" else int(check))) % 11 == 0


def _taiwan(value: str) -> bool:
    place = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(value[0]) + 10
    digits = [place // 10, place % 10, *map(int, value[1:])]
    return sum(d * w for d, w in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0


def _german_pension(value: str) -> bool:
    """Versicherungsnummer: VKVV section 4."""
    compact = value.replace(" ", "")
    digits = compact[:8] + f"{ord(compact[8]) - 64:02d}" + compact[9:11]
    products = (int(d) * w for d, w in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    return sum(sum(divmod(p, 10)) for p in products) % 10 == int(compact[11])


def _any(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def _std(*names: str) -> Check:
    return lambda value: any(_library(name)(value) for name in names)


# Forms that tell by themselves what they are: (name of the group, pattern, check).
_FORMS: tuple[tuple[str, str, Check], ...] = (
    ("us", r"\d{3}-\d{2}-\d{4}", _std("us.ssn", "us.itin")),
    ("fr", r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", _std("fr.nir")),
    ("es", r"\d{8}-?[A-Z]", _std("es.dni")),
    ("br", r"\d{3}\.\d{3}\.\d{3}-\d{2}", _std("br.cpf")),
    ("ch", r"756\.\d{4}\.\d{4}\.\d{2}", _std("ch.ssn")),
    ("be", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", _std("be.nn", "be.ssn")),
    ("north", r"\d{6}[-+]\d{4}", _std("se.personnummer", "dk.cpr")),
    ("fi", r"\d{6}[-+A]\d{3}[0-9A-FHJ-NPR-Y]", _std("fi.hetu")),
    ("kr", r"\d{6}-[1-4]\d{6}", _std("kr.rrn")),
    ("cl", r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]", _std("cl.rut")),
    ("ar", r"\d{2}-\d{8}-\d", _std("ar.cuit")),
    ("pk", r"\d{5}-\d{7}-\d", _std("pk.cnic")),
    ("th", r"\d-\d{4}-\d{5}-\d{2}-\d", _std("th.pin")),
    ("cz", r"\d{6}/\d{4}", _std("cz.rc")),
    ("india", r"(?<!\d )[2-9]\d{3}[ -]\d{4}[ -]\d{4}(?! \d)", _std("in_.aadhaar")),
    ("de", r"(?<!\d )\d{2} \d{3} \d{3} \d{3}(?! \d)", _std("de.idnr")),
    ("uk", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D]", _nino),
    ("rv", r"\d{2} ?\d{6} ?[A-Z] ?\d{3}", _german_pension),
    ("nie", r"[XYZ]-?\d{7}-?[A-Z]", _std("es.nie")),
    ("it", r"[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPRST][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z]", _std("it.codicefiscale")),
    ("pan", r"[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]", _std("in_.pan")),
    ("mx", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d", _std("mx.curp")),
    ("sg", r"[STFGM]\d{7}[A-Z]", _singapore),
    ("hk", r"[A-Z]{1,2}\d{6}\([0-9A]\)", _hong_kong),
)  # fmt: skip
_FORM = re.compile(
    "(?:" + "|".join(f"(?P<{name}>{pattern})" for name, pattern, _ in _FORMS) + r")(?![\w-]|[.,/]\w)"
)
_CHECKS = {name: check for name, _, check in _FORMS}
_BEGIN = re.compile(
    r"[0-9A-Z](?:(?<![\w.,/+-].)|(?<=\\[nrt].))(?=[0-9 ./+-]{6}|[0-9A-Z]?[A-Z]{0,4}[ -]?[0-9]{2})"
)
"""Where a form may begin; few places are left to try them all at."""

# Numbers that words before them name: (needles in lower case, words, pattern, check or None).
_GAP = rf"[^\n\d{HOLE}]{{0,40}}?(?<![\dA-Za-z])"
_DIGITS = r"\d(?:[ ./-]?\d){6,13}"
_MIXED = r"(?=[A-Z0-9 ./-]{0,12}\d)[A-Z0-9](?:[ ./-]?[A-Z0-9]){5,17}"
_NAMED: tuple[tuple[tuple[str, ...], str, str, Check | None], ...] = (
    (("ssn", "social", "socialsecurity", "socialsecuritynumber"), r"ssn|social[ _-]?security", r"\d{3}[ -]?\d{2}[ -]?\d{4}", None),
    (("passport", "passportnumber", "passportno", "reisepass", "pasaporte", "passaporto", "passeport", "paspoort", "passaporte", "护照"), r"passport|reisepass|pasaporte|passaporto|passeport|paspoort|passaporte|护照", _MIXED, None),
    (("licence", "license", "licensenumber", "driverslicense", "führerschein", "permis", "驾驶证"), r"driver'?s?[ _-]?licen[cs]e|driving[ _-]?licen[cs]e|führerschein|permis de conduire|驾驶证", _MIXED, None),
    (("national", "nationalid", "identity", "identité", "citizen", "personalausweis", "ausweis", "identidad", "identità", "身份证"), r"national[ _-]?(?:id|identity|identification|insurance)|identity[ _-]?(?:card|number|no)|citizen[ _-]?(?:id|number)|personalausweis|ausweis|carte d'identité|documento de identidad|carta d'identità|身份证", _MIXED, None),
    (("nino", "ni", "insurance", "insuranceno"), r"\bnino\b|\bni[ _-]?(?:no|nr|number|num)\b|national insurance", r"[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]", None),
    (("nhs",), r"\bnhs\b", r"\d{3}[ -]?\d{3}[ -]?\d{4}", _std("gb.nhs")),
    (("steuer", "steuerliche", "identifikationsnummer", "steuerid", "steueridentifikationsnummer", "steuernummer", "idnr", "tax", "taxid", "taxpayer", "tin"), r"steuer(?:liche)?[ _-]?(?:id|identifikations|nr|nummer)\w*|\bidnr|\btax[ _-]?(?:id|payer|number|no|file|identification)\w*|\btin\b", _DIGITS, None),
    (("rentenversicherungsnummer", "sozialversicherungsnummer", "versicherungsnummer", "svnr", "rvnr"), r"(?:renten|sozial)versicherung\w*|versicherungsn\w*|svnr|rvnr", _MIXED, None),
    (("aadhaar", "aadhar", "uidai", "aadhaarnumber"), r"aadhaa?r|uidai", r"\d{4}[ -]?\d{4}[ -]?\d{4}", None),
    (("cpf",), r"\bcpf\b", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", None),
    (("bsn", "burgerservicenummer"), r"\bbsn\b|burgerservicenummer", r"\d{9}|\d{4}\.\d{2}\.\d{3}|\d{3} \d{3} \d{3}", None),
    (("pesel",), r"pesel", r"\d{11}", None),
    (("personnummer", "personnr", "samordningsnummer"), r"personn(?:umme)?r|samordningsnummer", r"(?:19|20)?\d{6}[-+ ]?\d{4}", None),
    (("cpr",), r"\bcpr\b", r"\d{6}[- ]?\d{4}", None),
    (("fødselsnummer", "fodselsnummer", "fnr"), r"f[øo]dselsnummer|\bfnr\b", r"\d{6} ?\d{5}", None),
    (("hetu", "henkilötunnus"), r"hetu|henkilötunnus", r"\d{6}[-+A]\d{3}[0-9A-Z]", None),
    (("ahv", "avs", "oasi"), r"\b(?:ahv|avs|oasi)\b", r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}", None),
    (("rijksregisternummer", "rijksregister", "registre", "nrn"), r"rijksregister\w*|registre national|\bnrn\b", r"\d{2}[. ]?\d{2}[. ]?\d{2}[- ]?\d{3}[. ]?\d{2}", None),
    (("nir", "sociale", "insee", "secu", "sécu"), r"\bnir\b|s[ée]curit[ée] sociale|insee|num[ée]ro[ _-](?:de[ _-])?s[ée]cu", r"[12][ ]?\d{2}[ ]?\d{2}[ ]?\d[\dAB][ ]?\d{3}[ ]?\d{3}(?:[ ]?\d{2})?", None),
    (("dni", "nif", "nie"), r"\b(?:dni|nif|nie)\b", r"[XYZ\d]-?\d{7}-?[A-Z]|\d{9}|\d{1,2}\.\d{3}\.\d{3}", _any(_std("es.dni", "es.nie", "pt.nif"), lambda value: value.count(".") == 2)),
    (("contribuinte", "cartão"), r"contribuinte|cartão de cidad\w+", _MIXED, None),
    (("codice", "codicefiscale"), r"codice[ _]?fiscale", r"[A-Z0-9]{16}", None),
    (("sin", "social"), r"\bsin\b|social[ _]insurance", r"\d{3}[- ]?\d{3}[- ]?\d{3}", _std("ca.sin")),
    (("tfn", "medicare"), r"\btfn\b|tax file|medicare", r"\d{3}[ ]?\d{3}[ ]?\d{3}|\d{4}[ ]?\d{5}[ ]?\d", None),
    (("curp",), r"\bcurp\b", r"[A-Z]{4}\d{6}[A-Z0-9]{8}", None),
    (("rut", "run"), r"\b(?:rut|run)\b", r"\d{7,8}-[\dkK]", _std("cl.rut")),
    (("rsa", "african", "africa", "sa"), r"\b(?:rsa|south african?|sa)[ _]id", r"\d{13}", _std("za.idnr")),
    (("rrn", "주민등록번호", "주민번호"), r"\brrn\b|주민등록번호|주민번호", r"\d{6}-?\d{7}", None),
    (("my", "mynumber", "マイナンバー", "個人番号"), r"my[ _]?number|マイナンバー|個人番号", r"\d{4}[ -]?\d{4}[ -]?\d{4}", None),
    (("tckn", "kimlik"), r"t\.?c\.? ?kimlik\w*|tckn|kimlik no", r"\d{11}", None),
    (("teudat", "israeli", "תעודת"), r"teudat[ -]?zehut|israeli id|תעודת זהות", r"\d{8,9}", None),
    (("cnp",), r"\bcnp\b", r"\d{13}", None),
    (("egn", "егн"), r"\begn\b|егн", r"\d{10}", None),
    (("oib",), r"\boib\b", r"\d{11}", None),
    (("amka", "αμκα"), r"\bamka\b|αμκα", r"\d{11}", None),
    (("rodné", "rodne", "rc"), r"rodn[ée] č[íi]slo|rodne cislo", r"\d{6}/?\d{3,4}", None),
    (("pps", "ppsn"), r"\bppsn?\b", r"\d{7}[A-W][A-IW]?", None),
    (("nik", "ktp"), r"\b(?:nik|ktp)\b", r"\d{16}", None),
    (("cnic",), r"\bcnic\b", r"\d{5}-?\d{7}-?\d", None),
    (("nric", "fin", "mykad"), r"\b(?:nric|fin|mykad)\b", r"[STFGM]\d{7}[A-Z]|\d{6}-?\d{2}-?\d{4}", None),
    (("hkid",), r"\bhkid\b", r"[A-Z]{1,2}\d{6}\(?[0-9A]\)?", None),
    (("身分證", "身份證", "taiwan"), r"身分證\w*|身份證\w*|taiwan\w* (?:national )?id", r"[A-Z][1289]\d{8}", _taiwan),
    (("инн", "снилс", "паспорт", "inn", "snils"), r"\b(?:инн|снилс|паспорт|inn|snils)\b", r"\d{3}-\d{3}-\d{3} \d{2}|\d{2} ?\d{2} ?\d{6}|\d{10,12}", None),
    (("kennitala",), r"kennitala", r"\d{6}-?\d{4}", None),
    (("cédula", "cedula"), r"c[ée]dula", r"\d{1,3}(?:\.\d{3}){2,3}|\d{6,11}", None),
    (("pan",), r"\bpan\b", r"[A-Z]{5}\d{4}[A-Z]", None),
)  # fmt: skip
_BEGINS = r"(?:\b|(?<=_)|(?<=\\n)|(?<=\\t)|(?-i:(?<=[a-z])(?=[A-Z])))"
_BOUND = re.compile(r"(?P<begin>(?:^|(?<=[|(:]))\\b)|\\b")
_ENDS = r"(?:\b|(?=_)|(?-i:(?<=[a-z])(?=[A-Z])))"


def _bounded(words: str) -> str:
    """The pattern of a name whose `\\b` also stand in `customer_sin`, in `sinNumber` and after an escape."""
    return _BOUND.sub(lambda match: _BEGINS if match["begin"] else _ENDS, words)


_BY_NAME = tuple(
    (
        frozenset(words),
        re.compile(rf"(?i:{_bounded(before)}){_GAP}(?P<v>{pattern})(?![\w-]|[.,]\d)"),
        check,
    )
    for words, before, pattern, check in _NAMED
)
_ALL_WORDS = frozenset(word for words, *_ in _NAMED for word in words)
_WORD = re.compile(r"[^\W\d_]+")
_IDEOGRAPHS = tuple(word for word in _ALL_WORDS if not word[0].isascii() and ord(word[0]) > 0x3000)


def id_words(folded: str) -> set[str]:
    """The words of a text, in lower case, that may name an identity number."""
    words = _WORD.findall(folded)
    said = set(_ALL_WORDS.intersection(words))
    if "number" in folded:
        said.update(word[:-6] for word in words if word.endswith("number") and word[:-6] in _ALL_WORDS)
    if "\\" in folded:
        said.update(word[1:] for word in words if word[0] in "nrt" and word[1:] in _ALL_WORDS)
    if not folded.isascii():
        said |= {word for word in _IDEOGRAPHS if word in folded}
    return said


def mask_ids(text: str, said: set[str], masker: Masker) -> str:
    """The text with identity numbers masked. `said`: what `id_words` finds in it."""
    parts: list[str] = []
    done = 0
    for begin in _BEGIN.finditer(text):
        match = _FORM.match(text, begin.start()) if begin.start() >= done else None
        if match is not None and _CHECKS[match.lastgroup or ""](match[0]):
            parts += [text[done : match.start()], masker.mask("id-number", match[0])]
            done = match.end()
    text = "".join([*parts, text[done:]]) if parts else text
    if said:
        for words, pattern, check in _BY_NAME:
            if not words.isdisjoint(said):
                text = pattern.sub(lambda m, check=check: _named(m, check, masker), text)  # type: ignore[misc]
    return text


def _named(match: re.Match[str], check: Check | None, masker: Masker) -> str:
    value = match["v"]
    if sum(char.isdigit() for char in value) < 5 or (check is not None and not check(value)):
        return match[0]
    at = match.start("v") - match.start()
    return match[0][:at] + masker.mask("id-number", value) + match[0][at + len(value) :]
