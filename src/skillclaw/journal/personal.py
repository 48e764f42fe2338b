"""Personal data: mail addresses, phone and identity numbers, bank cards and accounts, authors.

Numbers of ordinary work must survive, so a number is masked only where a checksum, a country code in
international form, or the words around it say what it is.
"""

# ruff: noqa: E501, SIM905  (one rule a line reads best)

from __future__ import annotations

import re
from datetime import date

from skillclaw.journal.redact_text import HOLE, Masker, Rule

__all__ = ["RULES", "is_card", "mask_people", "mask_phones"]

# E-mail. Generic top-level domains in common use; every two-letter one is a country.
_TLDS = frozenset(
    """
    com org net edu gov mil int info biz name pro app dev cloud tech online site store shop blog
    xyz top club live news email mail agency group team work works company solutions systems
    software digital media studio design art global world network services consulting ventures
    capital finance bank health care clinic law legal academy school university institute
    foundation center space life link page wiki tools engineering security social chat games
    local lan internal corp home localdomain intranet test example invalid asia travel jobs mobi
    museum aero coop berlin london paris tokyo nyc amsterdam moscow swiss bayern hamburg wien
    vip ltd icu fun ink wang ren google apple microsoft amazon
    """.split()
)
_FILE_TYPES = frozenset(
    """
    png jpg jpeg gif svg webp js ts py css json md txt map min so rs go sh gz zip
    """.split()
) - {"so", "rs", "sh", "md", "py"}
_SERVICE_USERS = frozenset(
    """
    git hg svn root ubuntu ec2-user centos debian fedora admin-user core vagrant www-data nobody
    postmaster hostmaster webmaster abuse mailer-daemon notifications support security info bot
    noreply no-reply donotreply do-not-reply backup deploy deployer jenkins ansible postgres
    """.split()
)
_L = r"A-Za-z0-9\u00c0-\u1fff\uac00-\ud7a3"
_EMAIL = re.compile(
    rf"(?:(?<=\\[nrt])|(?<![{_L}._%+-])(?!(?<=\\)[nrt]))(?P<local>[{_L}_%+-](?:[{_L}._%+-]{{0,62}}[{_L}_%+-])?)(?:@|%40)(?P<domain>[{_L}-]{{1,63}}(?:\.[{_L}-]{{1,63}}){{1,8}})(?![\w(\[]*[(\[])"
)
_EMAIL_QUOTED = re.compile(
    rf"\\{{0,15}}\"[^\"@\n\\<>{HOLE}]{{1,64}}\\{{0,15}}\"@(?P<domain>[A-Za-z0-9-]{{1,63}}(?:\.[A-Za-z0-9-]{{1,63}}){{1,8}})"
)
_EMAIL_IDEOGRAPHS = re.compile(
    rf"(?<![\w@.])(?P<local>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]{{1,6}})@(?P<domain>[{_L}-]{{1,63}}(?:\.[{_L}-]{{1,63}}){{1,8}})"
)
_EMAIL_CJK = re.compile(r"(?P<local>[\w.%+-]{1,64})@(?P<domain>[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def _is_email(local: str, domain: str) -> bool:
    labels = domain.lower().rstrip(".-").split(".")
    last = labels[-1]
    if labels[-2:] in (["example", "com"], ["example", "org"], ["example", "net"]):
        return False  # kept for documents (RFC 2606): nobody's
    if local.lower() in _SERVICE_USERS or len(labels) < 2 or last in _FILE_TYPES:
        return False
    if not any(char.isalpha() for char in local) and len(local) < 5:
        return False
    return (
        last in _TLDS or last.startswith("xn--") or (len(last) == 2 and last.isalpha()) or not last.isascii()
    )


def _mask_emails(text: str, masker: Masker) -> str:
    def replace(match: re.Match[str]) -> str:
        domain = match["domain"]
        kept = domain.rstrip("-")
        if not _is_email(match["local"], kept):
            return match[0]
        whole, local, head = match[0][: len(match[0]) - len(domain) + len(kept)], match["local"], ""
        if local[0] in "nrt" and len(local) > 1 and match.string[match.start() - 1 : match.start()] == "\\":
            head, whole, local = local[0], whole[1:], local[1:]  # `\\n` in a JSON string stands before it
            if not _is_email(local, kept):
                return match[0]
        return head + masker.mask("email", whole, f"{local}@{kept}".lower()) + domain[len(kept) :]

    text = _EMAIL.sub(replace, text)
    if '"@' in text:
        text = _EMAIL_QUOTED.sub(
            lambda m: masker.mask("email", m[0]) if _is_email("a-name", m["domain"]) else m[0], text
        )
    if "@" in text and not text.isascii():
        text = _EMAIL_IDEOGRAPHS.sub(lambda m: replace(m), text)
    if "@" in text and _CJK.search(text):
        text = _EMAIL_CJK.sub(lambda m: replace(m) if _CJK.search(m["domain"]) else m[0], text)
    return text


# The names beside mail addresses in what git prints.
_AUTHOR = re.compile(
    rf"(?im:^(?P<head>[ \t]{{0,8}}(?:author|commit|committer|co-authored-by|signed-off-by|reviewed-by|acked-by|tested-by|reported-by):?[ \t]{{1,8}})(?P<v>[^<>\n:{HOLE}]{{2,80}}?)(?P<tail> <[^<>\n]{{0,200}}>))"
)


def _mask_authors(text: str, masker: Masker) -> str:
    return _AUTHOR.sub(
        lambda m: (
            m[0]
            if re.search(r"<(?:noreply|no-reply)@", m["tail"])
            else f"{m['head']}{masker.mask('person', m['v'])}{m['tail']}"
        ),
        text,
    )


# Numbers


def _digits(value: str) -> str:
    return "".join(char for char in value if char.isdigit())


_GROUPED = re.compile(
    r"\d{12,19}|\d{4}(?P<a>[ -])(?:\d{4}(?P=a)\d{4}(?P=a)\d{1,7}|\d{6}(?P=a)\d{4,5})(?:(?P=a)\d{1,3})?"
)
"""A card's number in one piece or in the groups that cards show."""


def _is_card_text(value: str) -> bool:
    return _GROUPED.fullmatch(value) is not None and is_card(value)


def is_card(value: str) -> bool:
    """True for the number of a payment card: a known issuer, its length, a right Luhn digit (ISO/IEC 7812)."""
    digits = _digits(value)
    length = len(digits)
    two, four = int(digits[:2] or 0), int(digits[:4] or 0)
    issuer = (
        (digits[:1] == "4" and length in (13, 16, 19))
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and length == 16)
        or (two in (34, 37) and length == 15)
        or ((four == 6011 or two == 65 or 644 <= four // 10 <= 649) and length == 16)
        or (two == 62 and 16 <= length <= 19)
        or (3528 <= four <= 3589 and length == 16)
        or (four in (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763) and 12 <= length <= 19)
        or ((2200 <= four <= 2204 or 5061 <= four <= 5061) and 16 <= length <= 19)
        or (two in (60, 81, 82) and length == 16)
        or ((two in (36, 38) or 300 <= four // 10 <= 305) and length == 14)
    )
    if not issuer or len(set(digits)) < 2:
        return False
    total = 0
    for index, char in enumerate(reversed(digits)):
        number = int(char)
        if index % 2:
            number = number * 2 - 9 if number > 4 else number * 2
        total += number
    return total % 10 == 0


_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24,
    "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip


def _is_iban(value: str) -> bool:
    """Length by country and ISO 7064 mod 97."""
    compact = value.replace(" ", "")
    if _IBAN_LENGTHS.get(compact[:2]) != len(compact):
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _is_chinese_id(value: str) -> bool:
    """A resident identity number: a birth date that exists and the check digit of GB 11643 (ISO 7064 mod 11-2)."""
    try:
        date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(char) * weight for char, weight in zip(value, weights, strict=False))
    return "10X98765432"[total % 11] == value[17].upper()


def _is_phone(value: str) -> bool:
    return 8 <= len(_digits(value)) <= 15


_NATIONAL = r"\(?0\d{1,4}\)?(?:[ ./-]?\d{2,8}){1,4}|1[3-9]\d[ -]?\d{4}[ -]?\d{4}|\(?[2-9]\d{2}\)?[ .-]?\d{3}[ .-]?\d{4}|[6-9]\d{4}[ -]?\d{5}|[6-9]\d{2}[ .]?\d{3}[ .]?\d{3}|\d{2,4}(?:[ .-]\d{2,4}){3}"
_PHONE_WORDS = (
    *(
        "phone",
        "mobil",
        "móvil",
        "cell",
        "tel",
        "tél",
        "fax",
        "whatsapp",
        "wechat",
        "sms",
        "handy",
        "call ",
        "dial",
    ),
    *(
        "contact",
        "portable",
        "手机",
        "电话",
        "手機",
        "電話",
        "联系",
        "微信",
        "号码",
        "llámame",
        "телефон",
        "тел.",
        "celular",
        "cellulare",
        "komórka",
        "puhelin",
        "هاتف",
        "連絡先",
        "携帯",
        "연락처",
        "전화",
    ),
)
_SHORT_WORDS = ("cell", "tel", "tél", "fax", "sms", "call ", "dial")
_AFTER_WORD = re.compile(rf"[^\n\d+{HOLE}]{{0,20}}(?P<v>{_NATIONAL})(?![\w]|[.:]\d)")

# A first character that is consumed before it is looked at from behind: the engine then skips to where one is.
_NUMBER = r"(?:(?<![\w.,+/-].)|(?<=\\[nrt].))"

RULES: tuple[Rule, ...] = (
    Rule("iban", (), re.compile(r"[A-Z](?:(?<![A-Za-z0-9].)|(?<=\\[nrt].))[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"), _is_iban),
    Rule("card", (), re.compile(r"[0-9](?:(?<![\w.+/-].)|(?<=\\[nrt].))(?:[ -]?\d){12,18}(?![\w-]|\.\d)"), _is_card_text),
    Rule("id-number", (), re.compile(r"[1-8](?:(?<![\w.+/-].)|(?<=\\[nrt].))\d{16}[\dXx](?!\w)"), _is_chinese_id),
    Rule(
        "phone", ("+",),
        re.compile(r"(?:(?<=[^\n\w.+*/=-])|(?<=\\[nrt])|(?<=\d)(?=\+\d{1,3}[ (])|\A(?=\+[\d ().-]{8,20}\Z|\+\d{1,3}[ (]))\+(?P<v>[1-9]\d{0,2}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{1,4}){1,6}(?![\w]|[.:]\d))"),
        _is_phone,
    ),
    Rule("phone", ("tel:", "wa.me/", "sms:", "phone=", "tel="), re.compile(r"(?:tel:|wa\.me/|sms:|phone=|tel=)(?P<v>(?:\+|%2[Bb])?\d(?:[-.() ]?\d){7,14})(?!\w)"), _is_phone),
    Rule("phone", ("00",), re.compile(rf"0{_NUMBER}0[1-9]\d{{0,2}}[ -]\d{{2,4}}(?:[ -]?\d{{2,8}}){{1,4}}(?![\w.])"), _is_phone),
    Rule("phone", ("(",), re.compile(r"(?<![\w.])(?P<v>\([2-9]\d{2}\) ?\d{3}[-. ]\d{4}|\(\d{2}\) ?9?\d{4}-\d{4})(?!\w)")),
    Rule("phone", ("-", "."), re.compile(rf"[0-9]{_NUMBER}(?:(?<=1)[-.][2-9]\d\d|(?<=[2-9])\d\d)(?P<s>[-.])[2-9]\d{{2}}(?P=s)\d{{4}}(?![\w-]|\.\d)")),
    Rule("phone", ("1",), re.compile(r"1(?<=[\u4e00-\u9fff]1)[3-9]\d{9}(?![0-9A-Za-z]|[.:-]\d)")),
    Rule("phone", ("-",), re.compile(rf"0{_NUMBER}(?:[789]0-\d{{4}}-\d{{4}}|1[016789]-\d{{3,4}}-\d{{4}})(?![\w-]|\.\d)")),
    Rule("phone", (",", ";", "\t", "|"), re.compile(r"(?<=[,;|\t])[ \"]?(?P<v>0[1-9]\d{1,3}[ /-]\d{6,8}|[2-9]\d{2}([-.])[2-9]\d{2}\2\d{4}|0[1-9](?:[ .-]\d{2}){4})(?=[ \"]?(?:[,;|\t\n]|\r|\\|\Z))")),
    Rule("phone", ("T:", "M:", "P:", "Ph:", "T.", "M.", "Tf", "Mob"), re.compile(rf"(?m:(?:^|(?<=\\n))[ \t+>|-]{{0,8}}(?:T|M|P|Ph|Tf|Mob)(?::|\.:?)[ \t]{{1,4}}(?P<v>\+?(?:{_NATIONAL}|\d{{2,3}}(?: \d{{2,3}}){{2,4}}))(?![\w]|[.:]\d))"), _is_phone),
    Rule("phone", ("0",), re.compile(rf"0{_NUMBER}[1-9](?:\.\d{{2}}){{4}}(?![\w-]|\.\d)")),
    Rule("phone", ('"to"', '"from"', "recipient", "msisdn", '\\"to', '\\"from'), re.compile(r"\"(?:to|from|recipient|msisdn)\\{0,15}\"\s?:\s?\\{0,15}\"(?P<v>0[1-9]\d{1,3}[ /-]?\d{5,9}|[1-9]\d{9,13})(?=\\{0,15}\")")),
    Rule("phone", ("unter", "call", "me at", "reach", "ruf"), re.compile(r"(?i:unter|call|at|reach|anrufen|rufe?)(?: \w{1,10}){0,3} (?P<v>0\d{2,4}[ /-]\d{3,4}[ -]?\d{2,5}|[6-9]\d{2}(?: \d{2}){3})(?![\w-]|[.:]\d)"), fold=True),
    Rule("phone", (" 0", '"0', "'0", ":0", "/"), re.compile(rf"0{_NUMBER}(?<!\d .)(?:[1-9](?: \d{{2}}){{4}}|7\d{{3}} \d{{3}} ?\d{{3}}|4\d{{2}} \d{{3}} \d{{3}}|20 \d{{4}} \d{{4}}|1[5-7]\d{{1,2}}[ /]\d{{7,8}})(?![\w-]|[ .]\d)")),
)  # fmt: skip


def mask_phones(text: str, folded: str, masker: Masker) -> str:
    """Numbers in national form after words such as `phone`. `folded`: the text in lower case, in place."""
    ends: list[int] = []
    for word in _PHONE_WORDS:
        at = folded.find(word)
        while at >= 0:
            # `hotel`, `cancelled`: no word for a phone.
            if word not in _SHORT_WORDS or not folded[max(0, at - 1) : at].isalpha():
                ends.append(at + len(word))
            at = folded.find(word, at + 1)
    if not ends:
        return text
    parts: list[str] = []
    done = 0
    for end in sorted(ends):
        match = _AFTER_WORD.match(text, end) if end >= done else None
        if match is not None and _is_phone(match["v"]):
            parts += [text[done : match.start("v")], masker.mask("phone", match["v"])]
            done = match.end()
    return "".join([*parts, text[done:]]) if parts else text


def mask_people(text: str, masker: Masker) -> str:
    """Mail addresses, and the authors that git names beside them."""
    if "@" not in text and "%40" not in text:
        return text
    return _mask_emails(_mask_authors(text, masker), masker)
