"""What names and values tell: whether a name says that it holds a secret, and whether a value is a real one.

References (`$TOKEN`, `${{ secrets.X }}`, `os.environ[...]`), code (`get_password()`, `str`) and stand-ins
(`***`, `your-api-key`) are none.
"""

# ruff: noqa: E501, SIM905  (one rule a line reads best)

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import Literal

__all__ = [
    "NameKind",
    "is_path_of_names",
    "is_placeholder",
    "is_reference",
    "is_secret",
    "is_speakable",
    "is_unspeakable",
    "is_wordy",
    "looks_made",
    "looks_random",
    "name_kind",
]

NameKind = Literal["password", "passphrase", "secret", "token", "key"]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_AFTER = frozenset(
    """
    value val prod production dev test live staging stage old new current base main default hash
    b64 base64 raw str string text plain plaintext encoded enc env again confirm confirmation
    backup primary secondary
    """.split()
)
_NOT_TOKENS = frozenset(
    """
    page next continuation continue eos bos pad unk sep cls mask stop per max min special image
    first last cancellation sync prev previous input output prompt end start public
    """.split()
)
_KEY_OWNERS = frozenset(
    """
    api access secret private auth signing signature encryption encrypt master account storage
    subscription service client deploy admin fernet hmac app shared session webhook license sas
    ssh ssl tls jwt unseal license activation preshared wallet device
    """.split()
)
_PASS_OWNERS = frozenset(
    "db user my root smtp ssh pg ftp mysql redis mail ldap admin app proxy imap key store auth".split()
)
_PUBLIC = frozenset(("public", "pub", "publishable", "site", "verify", "verifying", "verification"))
"""What stands before `key` where everybody may have it."""
_KEYS = frozenset(
    """
    apikey secretkey accesskey privatekey authkey appkey masterkey accountkey encryptionkey
    """.split()
)
_UI = frozenset(
    """
    forgot reset confirm show hide enter invalid wrong change toggle min max no has use is type
    """.split()
)
_STANDINS = frozenset(
    """
    none null nil true false undefined str string int integer number float bool boolean bytes
    any object optional required secretstr password passwd pass pwd passphrase secret token key
    apikey api_key auth credential credentials value default empty hidden masked redacted
    removed omitted example changeme change_me placeholder dummy todo tbd required optional text
    email username user self missing invalid valid expired wrong incorrect unknown unset set
    not-set not_set test foo bar baz xxx type name field input basic bearer digest oauth oauth2
    jwt ldap saml plain var env secrets file stdin prompt ask yes no on off enabled disabled
    auto never always manual
    """.split()
)
_STANDIN = re.compile(
    r"(?i)^(?:[x*.\-_•#?0]+|<.*>|\[.*\]|\{.*\}|%\w+%|\(.*\))$"
    r"|\*{3}|x{5}|\.{3}|…|redacted|placeholder|change[-_ ]?me|\byour[-_ ]?|insert[-_ ]|replace[-_ ]"
    r"|[-_]here$|^my[-_][a-z]+(?:[-_][a-z]+)*[-_]?$|^example[-_a-z]*$|^(?:argon2(?:id?|d)?|[bs]crypt|pbkdf2\w*|(?:hmac-?)?sha-?\d+|[hrep]s\d{3}|aes[-_\w]*|md5|ed25519|rsa-?\d*)$|EXAMPLE(?:KEY)?$|^dummy|^fake[-_]|^todo|^(?:abc|123)+$"
)
_REFERENCE = re.compile(
    r"^(?:\$[A-Za-z_{(\[]|\$\$|%[({]|#\{|\{\{|\{%|@[A-Za-z_]+[.(]|!\w|&\w+$|https?:|file:|[.~]{0,2}/[\w.-]+(?:/|\.\w+$|$)"
    r"|[A-Za-z]:\\|(?:arn|ref|env|vault|op|sm|ssm|keyring|secret):)"
    r"|^[A-Za-z_](?:[\w.]|::|->)*[\[(]|^(?:await|new|lambda|not|if|f\"|r\")\b"
    r"|^[\w./@-]*\.\w{1,6}:\d+(?::\d+)?$|^(?:localhost|[\w-]+(?:\.[\w-]+)+):\d{2,5}(?:[/?#].*)?$"  # a place in a file, a host
    r"|^(?:keyid:)?(?:[0-9A-Fa-f]{2}:){5,}[0-9A-Fa-f]{2}$"  # a fingerprint, an identifier of a key
    r"|\.(?:pem|key|crt|cer|txt|json|ya?ml|env|toml|ini|conf|py|js|ts|md|sh|html|log)$"
)
_PATH_OF_NAMES = re.compile(r"^[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+$")
_IDENTIFIER = re.compile(r"^[A-Za-z_]+$")
_WORDY = re.compile(
    r"^(?:[A-Za-z][a-z]{1,20}|[A-Z]{2,12}|v?\d{1,4})(?:[-_./:][A-Za-z][a-z]{1,20}|[-_./:][A-Z]{2,12}|[-_./:]v?\d{1,4})*$"
)
_LETTER_RUN = re.compile(r"[A-Za-z]?[a-z]{3,}")


def is_placeholder(value: str) -> bool:
    """True for what stands in for a secret: `***`, `your-api-key`, `changeme`, `AKIA...EXAMPLE`."""
    return value.lower().strip("[](){}<>") in _STANDINS or _STANDIN.search(value) is not None


def is_reference(value: str) -> bool:
    """True for what names a secret without being one: `$TOKEN`, `${{ secrets.X }}`, `get_token()`, a file."""
    return _REFERENCE.search(value) is not None and not (value[:1] == "/" and _is_base64(value))


def _is_base64(value: str) -> bool:
    """Whether what begins like a path is base64: as long as keys are, few slashes, hardly a word."""
    return (
        len(value) >= 32
        and _ENCODED.fullmatch(value) is not None
        and value.count("/") <= 1 + len(value) // 12
        and looks_random(value)
    )


_ENCODED = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=[^\d]*\d)[A-Za-z0-9+/]{32,512}={0,2}")


def is_path_of_names(value: str) -> bool:
    """True for `settings.database.password`."""
    return _PATH_OF_NAMES.match(value) is not None


def is_wordy(value: str) -> bool:
    """True for words and small numbers with a sign between them: `rotate-keys-2026`."""
    return _WORDY.match(value) is not None


def looks_random(value: str) -> bool:
    """True for a value that people don't write: letters and digits mixed, hardly a word in it."""
    digits = sum(char.isdigit() for char in value)
    letters = sum(char.isalpha() for char in value)
    if letters < 2 or is_placeholder(value):
        return False
    if digits < 2:
        return len(value) >= 16 and letters >= 0.9 * len(value) and _case_changes(value) > 0.36 * len(value)
    return sum(len(run) for run in _LETTER_RUN.findall(value) if _like_a_word(run)) < 0.8 * len(value)


_HEX = re.compile(r"(?:0x)?(?:[0-9a-f]{32,128}|[0-9A-F]{32,128})|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_BASE64 = re.compile(r"(?=[^=]*[0-9+/])(?=[^=]*[A-Z])(?=[^=]*[a-z])[A-Za-z0-9+/_-]{22,}={1,2}")


def looks_made(value: str) -> bool:
    """True for what generators make: hex, a UUID, base64, letters and digits mixed."""
    return (
        _HEX.fullmatch(value) is not None
        or _BASE64.fullmatch(value) is not None
        or (looks_random(value) and not is_reference(value))
    )


_PAIRS = frozenset(
    row[0] + second
    for row in (
        *(
            "abcdfgiklmnprstuvwxy",
            "baeijlorsuy",
            "cacdehiklmnoprstu",
            "dabcdefilmoprstu",
            "eabcdefghilmnopqrstvwxy",
        ),
        *(
            "faefilorstu",
            "gaehilnorstu",
            "haeiort",
            "iabcdefglmnoprstuvxz",
            "je",
            "keis",
            "labcdefgilmnoprstuy",
        ),
        *("mabdeilmopstu", "nabcdefgiklmnoprstuv", "oabcdfgiklmnoprstuvwx", "pacdehiloprstuy", "qu"),
        *(
            "rabcdefgiklmnoprstuvy",
            "sacdefhiklmnopqrstuwy",
            "tabcdefghilmnoprstuvwy",
            "uabcdefilmnprst",
            "vaceio",
        ),
        *("waeiors", "xceimpt", "yelmnpst", "ze"),
    )
    for second in row[1:]
)
"""Pairs of letters that are common in English and in names of code: the first letter, then those behind it."""


def is_speakable(word: str) -> bool:
    """False for ten letters and more that nobody speaks: a quarter of the pairs in them is uncommon."""
    return len(word) < 10 or _uncommon(word) < 0.25


def is_unspeakable(word: str) -> bool:
    """True for letters that are no word at any length: many uncommon pairs, and consonants or vowels heaped.

    Stricter than `is_speakable`, as names of programs (`huggingface`, `tabbyapi`) have uncommon pairs too.
    """
    share = _uncommon(word)
    return share >= 0.5 or (share >= 1 / 3 and _HEAPED.search(word) is not None)


def _uncommon(word: str) -> float:
    """The share of the pairs of letters in a word that are uncommon."""
    pairs = [word[at : at + 2].lower() for at in range(len(word) - 1)]
    return sum(pair not in _PAIRS for pair in pairs) / max(1, len(pairs))


_HEAPED = re.compile(r"(?i)[^aeiouy]{4}|[aeiou]{4}")
_CLUSTER = re.compile(r"(?i)[^aeiouy]{5}|[aeiou]{4}")


def _like_a_word(run: str) -> bool:
    """Whether letters in a row can be spoken; those of a key in base32 cannot."""
    return len(run) < 20 and (len(run) < 5 or _CLUSTER.search(run) is None)


def _case_changes(value: str) -> int:
    """How often a capital follows a small letter or the other way; names in camel case do so twice a word."""
    return sum(a.isupper() != b.isupper() for a, b in itertools.pairwise(value))


@lru_cache(maxsize=4096)
def name_kind(name: str) -> NameKind | None:
    """What a variable, key, header or flag of this name holds; None when nothing secret."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or name in ("PWD", "OLDPWD"):
        return None
    while len(words) > 1 and (words[-1] in _AFTER or words[-1].isdigit()):
        words.pop()
    last, before = words[-1], words[:-1]
    if last == "key" and before and before[-1] in _PUBLIC:
        return None
    if last in ("key", "base") and len(words) > 1:
        return "key" if _KEY_OWNERS & set(before) or (last == "base" and "key" in before) else None
    if last in ("passphrase", "mnemonic") or (before[-1:] == ["seed"] and last == "phrase"):
        return "passphrase"
    if last in ("pass", "pwd", "pw", "passcode") or last.endswith(
        ("password", "passwd", "passphrase", "passwort", "kennwort")
    ):
        return None if _UI & set(before) else "password"
    if last.endswith("pass") and last[:-4] in _PASS_OWNERS:
        return "password"
    if last == "salt":
        return "key"
    if last in ("dbpass", "userpass", "mypass", "rootpass", "smtppass", "sshpass", "mypwd", "psswd", "psk"):
        return "password"
    if last.endswith("secret"):
        return "secret"
    if last == "pat" and before:
        return "token"
    if last.endswith("token") or last in ("jwt", "csrf", "xsrf"):
        return None if _NOT_TOKENS & set(before) else "token"
    if last in _KEYS or last.endswith("apikey"):
        return "key"
    if last in ("auth", "credential", "credentials", "cred", "creds", "bearer", "authorization"):
        return "token"
    return None


def is_secret(kind: NameKind, value: str, *, quoted: bool, environment: bool = False) -> bool:
    """True when `value`, found under a name of `kind`, is a real one.

    `quoted`: it stood in quotes or was a JSON string; `environment`: it stood as `NAME=value`, where even
    a plain word is a value and not code.
    """
    value = value.strip()
    if len(value) < 4 or is_placeholder(value) or is_reference(value):
        return False
    if value.startswith("(") and not quoted:
        return False  # `(sensitive value)`, code
    if kind == "passphrase" and quoted:
        return len(value) >= 8
    if any(char.isspace() for char in value):
        return quoted and kind == "password" and _four_words(value)
    if not quoted and _PATH_OF_NAMES.match(value) and not _made(value, environment):
        return False
    digits = sum(char.isdigit() for char in value)
    letters = sum(char.isalpha() for char in value)
    symbols = len(value) - digits - letters
    if kind in ("password", "passphrase"):
        if quoted or environment:
            return True
        if digits == len(value):
            return digits >= 4
        return (
            (digits > 0 and letters > 0)
            or (symbols > 0 and not _WORDY.match(value) and letters > 0 and "_" not in value)
            or (value.isalpha() and value.isascii() and not is_speakable(value))
        )
    if len(value) < 8 or (digits == len(value) and digits < 16):
        return False
    if _WORDY.match(value) and not (digits and letters and len(value) >= 16 and value.isalnum()):
        if kind == "secret" and (quoted or environment) and len(value) >= 10:
            return _is_phrase(value)
        return (
            environment and kind != "token" and len(value) >= 12 and value.isalpha() and not value.isupper()
        )
    if digits and letters:
        return True
    if (
        value.isalpha()
        and value.isascii()
        and len(value) >= 16
        and (looks_random(value) or not is_speakable(value))
    ):
        return True
    if kind == "secret" and len(value) >= 16 and value.isalpha() and value.isupper():
        return quoted or environment
    mixed = value != value.lower() and value != value.upper()
    return (len(value) >= 16 and mixed and not _IDENTIFIER.match(value)) or (len(value) >= 32 and mixed)


def _made(value: str, environment: bool) -> bool:
    """Whether what has the form of `a.b` is no path of names: a part of it looks made, or it was given."""
    parts = re.split(r"\.|->|::", value)
    if any(len(part) >= 10 and looks_random(part) for part in parts):
        return True
    return environment and any(c.isdigit() for c in value) and not value.islower()


def _is_phrase(value: str) -> bool:
    """Words that a person strung together as a secret: three and more, or with a number behind."""
    parts = re.split(r"[-_. ]", value)
    named = {"secret", "key", "token", "name", "test", "my", "app", "the", "prod", "dev", "db"}
    words = [part for part in parts if part.isalpha()]
    if named & {part.lower() for part in words}:
        return False
    return len(words) >= 3 or (value[-1].isdigit() and any(c.isalpha() for c in value))


def _four_words(value: str) -> bool:
    """Words as dice give them for a password, not a sentence that tells somebody to enter one."""
    words = value.split(" ")
    said = {
        "password",
        "your",
        "the",
        "must",
        "and",
        "for",
        "user",
        "please",
        "enter",
        "not",
        "this",
        "with",
        "are",
    }
    return (
        4 <= len(words) <= 8
        and all(3 <= len(word) <= 10 and word.isascii() and word.isalpha() for word in words)
        and value.islower()
        and said.isdisjoint(words)
    )
