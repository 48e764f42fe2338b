"""Credentials that can be told by their name: `DB_PASSWORD=...`, `"api_key": "..."`, `--token ...`.

The name stays, the value is masked. What only looks like one stays: references (`$TOKEN`,
`${{ secrets.X }}`, `os.environ[...]`), code (`password=get_password()`, `token: str`), stand-ins
(`***`, `your-api-key`).
"""

# ruff: noqa: E501, SIM905  (one rule a line reads best)

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import Literal

from skillclaw.journal.redact_text import HOLE, Masker, holds

__all__ = [
    "NameKind",
    "is_placeholder",
    "is_reference",
    "is_secret",
    "looks_random",
    "mask_assignments",
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
    ssh ssl tls jwt
    """.split()
)
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
    r"|[-_]here$|^my[-_](?:[a-z]+[-_]?)+$|^example[-_a-z]*$|EXAMPLE(?:KEY)?$|^dummy|^fake[-_]|^todo|^(?:abc|123)+$"
)
_REFERENCE = re.compile(
    r"^(?:\$[A-Za-z_{(\[]|\$\$|%[({]|#\{|\{\{|\{%|@[A-Za-z_]+[.(]|!\w|&\w+$|https?:|file:|[.~]{0,2}/[\w.-]+(?:/|\.\w+$|$)"
    r"|[A-Za-z]:\\|(?:arn|ref|env|vault|op|sm|ssm|keyring|secret):)"
    r"|^[A-Za-z_][\w.]*[\[(]|^(?:await|new|lambda|not|if|f\"|r\")\b"
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
    return value.lower() in _STANDINS or _STANDIN.search(value) is not None


def is_reference(value: str) -> bool:
    """True for what names a secret without being one: `$TOKEN`, `${{ secrets.X }}`, `get_token()`, a file."""
    return _REFERENCE.search(value) is not None


def looks_random(value: str) -> bool:
    """True for a value that people don't write: letters and digits mixed, hardly a word in it."""
    digits = sum(char.isdigit() for char in value)
    letters = sum(char.isalpha() for char in value)
    if letters < 2 or is_placeholder(value):
        return False
    if digits < 2:
        return len(value) >= 16 and value.isalnum() and _case_changes(value) > 0.36 * len(value)
    return sum(len(run) for run in _LETTER_RUN.findall(value) if _like_a_word(run)) < 0.8 * len(value)


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
    if not words or name in ("PWD", "OLDPWD", "pwd"):
        return None
    while len(words) > 1 and (words[-1] in _AFTER or words[-1].isdigit()):
        words.pop()
    last, before = words[-1], words[:-1]
    if last in ("key", "base") and len(words) > 1:
        return "key" if _KEY_OWNERS & set(before) or (last == "base" and "key" in before) else None
    if last in ("passphrase", "mnemonic") or (before[-1:] == ["seed"] and last == "phrase"):
        return "passphrase"
    if last in ("pass", "pwd", "pw", "passcode") or last.endswith(
        ("password", "passwd", "passphrase", "passwort", "kennwort")
    ):
        return None if _UI & set(before) else "password"
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
    if len(value) < 4 or is_placeholder(value) or _REFERENCE.search(value):
        return False
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
        return (digits > 0 and letters > 0) or (
            symbols > 0 and not _WORDY.match(value) and letters > 0 and "_" not in value
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


_VALUE = rf"[^\s\"'`<>()\[\]{{}},;&|{HOLE}\\]"
_BARE_MAX = 256
_KEYWORDS = ("pass", "pwd", "secret", "token", "key", "cred", "auth", "jwt", "csrf", "xsrf", "bearer", "mnemonic", "phrase", "pw", "_pat", "-pat", "spat", "psk", "kennwort")  # fmt: skip
_MARK = r"\\{0,31}[\"'`]|\\{1,15}u002[27]|&(?:quot|apos|#0?3[49]);"
"""A quotation mark: as it is, in JSON in JSON up to five deep, or as HTML and careful JSON writers have it."""
_NAMED = re.compile(
    r"[A-Za-z]{2}[A-Za-z0-9_.-]{0,56}+"
    rf"(?P<sep>(?:{_MARK})?(?:\]|\))?"
    r"(?:\s{0,2}:\s{0,2}[A-Za-z_][\w.]{0,30}(?:\[[^\]\n]{0,40}\])?(?:\s?\|\s?\w{1,20})?(?=\s{1,2}=\s|=\s?[\"'\\]))?"
    r"(?P<sign>\s{0,8}(?::=|=>|={1,3}|!=|:|：)\s{0,8}))"
)
_QUOTED = re.compile(
    rf"[rbfu]?(?P<q>(?P<b>\\{{0,31}}+)(?P<c>[\"'`])(?:(?P=b)(?P=c)(?P=b)(?P=c))?+)"
    # A quote with more backslashes before it than the first has is a part of the value.
    rf"(?P<v>(?:(?!(?P=c))[^\\\n\r{HOLE}]|\\++(?!(?P=c))|(?P=b)\\++(?P=c)){{1,4096}}+)"
    rf"|(?:\\{{1,15}}u002[27]|&(?:quot|apos|#0?3[49]);)?\$?(?P<bare>(?:{_VALUE}{{1,{_BARE_MAX}}}+|[(\[{{](?![\s)\]}}])){{1,8}}+)"
)
_REST = re.compile(rf"{_VALUE}*+")
_SYMBOLS = re.compile(rf"[,;&|][^\s\"'`<>{HOLE}\\]{{2,64}}")
_TO_SEMICOLON = re.compile(rf"[,&|()\[\]{{}}][^\s\"'`<>;{HOLE}\\]{{1,64}}(?=;)")
_FLAG = re.compile(
    r"(?<![\w-])--?(?P<name>[A-Za-z0-9-]{0,24}?(?i:password|passwd|passphrase|pass|pwd|token|secret|key))\s{1,4}"
    rf"(?:(?P<q>[\"'])(?P<quoted>[^\"'\n{HOLE}]{{1,512}}+)|(?P<bare>{_VALUE}{{1,512}}+))"
)
_PROSE = re.compile(
    r"(?i:\b(?:password|passwd|passphrase|pwd|passcode|token|secret|api[ -]?key|secret[ -]key)s?\b|密码|口令|密钥|令牌|私钥)"
    r"(?:\s{0,3}(?:is|was|are|为|是|：|:|=|=>|->)\s{0,3}|\s{1,3})(?:\\{0,31}[\"'`“「])?"
    rf"(?P<v>[^\s\"'`“”「」<>,;，。；、{HOLE}\\\u4e00-\u9fff]{{6,128}}+)"
)
_LT, _GT = r"(?:<|&lt;|\\{1,15}u003[cC])", r"(?:>|&gt;|\\{1,15}u003[eE])"
_ELEMENT = re.compile(
    rf"{_LT}(?P<name>[A-Za-z][\w:.-]{{0,60}}){_GT}(?P<v>(?:(?!{_LT})[^<>\n{HOLE}]){{4,512}}+){_LT}(?:\\{{1,15}})?/(?P=name)"
)
_COMMANDS = tuple(
    (needles, re.compile(pattern))
    for needles, pattern in (
        (("mysql",), rf"\bmysql(?:dump|admin|import)?\b[^\n|;&]{{0,200}}?\s-p(?P<v>[^\s\"'{HOLE}-]{_VALUE}{{2,128}})"),
        (("s%3a",), r"(?P<v>s%3[aA][A-Za-z0-9._%+/=-]{20,512})"),
        (("sshpass",), rf"\bsshpass\s{{1,3}}-p\s{{0,3}}[\"']?(?P<v>{_VALUE}{{3,128}})"),
        (("redis-cli",), rf"\bredis-cli\b[^\n|;&]{{0,200}}?\s(?:-a|--pass)\s{{1,3}}[\"']?(?P<v>{_VALUE}{{4,256}})"),
        (("login",), rf"\b(?:docker|podman|helm|az|skopeo|oras)\b[^\n|;&]{{0,80}}?\blogin\b[^\n|;&]{{0,200}}?\s-p\s{{1,3}}[\"']?(?P<v>{_VALUE}{{4,256}})"),
        (("curl", "wget", "http "), rf"\b(?:curl|wget|http)\b[^\n|;]{{0,400}}?\s(?:-u|--user)[= ]{{1,2}}[\"']?[^\s:\"']{{1,100}}:(?P<v>[^\s\"'{HOLE}]{{3,256}})"),
        (("identified", "password '", 'password "'), rf"(?i)\b(?:identified\s(?:with\s\w{{1,40}}\s)?by|(?:with|set)?\s?password)\s{{1,3}}(?P<q>[\"'])(?P<v>[^\"'\n{HOLE}]{{4,128}})(?P=q)"),
        (("password ",), rf"\b(?:login|user|account)\s{{1,4}}\S{{1,100}}\s{{1,8}}password\s{{1,4}}(?P<v>[^\s\"'{HOLE}]{{3,128}})"),
        (("chpasswd",), rf"\b[\w.-]{{1,64}}:(?P<v>[^\s\"':{HOLE}]{{3,128}})[\"']?\s{{0,3}}\|\s{{0,3}}(?:sudo\s{{1,3}})?chpasswd\b"),
        ((":543", ":6432", ":*:"), rf"(?m:^[\w.*-]{{1,100}}:(?:543\d|6432|\*):[\w.*-]{{1,64}}:[\w.*-]{{1,64}}:(?P<v>[^\s:{HOLE}]{{4,128}})$)"),
        (("openssl", "gpg", "keytool", "zip", "7z"), rf"\b(?:openssl|gpg|keytool|zip|unzip|7z)\b[^\n|;&]{{0,200}}?\s(?:-pass(?:in|out)?\s{{1,2}}pass:|-storepass\s{{1,2}}|-keypass\s{{1,2}}|-P\s{{1,2}})[\"']?(?P<v>{_VALUE}{{4,128}})"),
        (("set aws_s",), rf"\bset\s{{1,3}}aws_s\w{{4,40}}\s{{1,3}}(?P<v>{_VALUE}{{16,2048}})"),
        (("name=", "key="), rf"(?i:\b(?:name|key)=[\"'][\w.:-]{{0,60}}(?:password|passwd|secret|token|apikey|api[_-]key)[\"']\s{{1,3}}value=[\"'](?P<v>[^\"'\n{HOLE}]{{4,512}})[\"'])"),
    )
)  # fmt: skip
_NEEDLES = ("pass", "pwd", "pw", "secret", "token", "key", "cred", "auth", "jwt", "csrf", "xsrf", "bearer", "mnemonic",
            "phrase", "_pat", "-pat", "spat", "psk", "kennwort", "密", "口令", "令牌", "私钥")  # fmt: skip
_NAME_BEFORE = re.compile(r"[A-Za-z0-9_.$-]{0,64}\Z")


def mask_assignments(text: str, folded: str, masker: Masker) -> str:
    """The text with the values of secret-named things masked. `folded` is the text in lower case,
    character for character."""
    if holds(_NEEDLES, folded):
        text = _mask_named(text, folded, masker)
        text = _FLAG.sub(lambda m: _flag(m, masker), text) if "-" in text else text
        text = _PROSE.sub(lambda m: _swap(m, masker, _prose_value(m["v"])), text)
        if "</" in text or "&lt;" in text or "u003" in text:
            text = _ELEMENT.sub(lambda m: _swap(m, masker, _is_element(m["name"], m["v"])), text)
    for needles, pattern in _COMMANDS:
        if holds(needles, folded):
            text = pattern.sub(
                lambda m: _swap(m, masker, not is_placeholder(m["v"]) and not is_reference(m["v"])), text
            )
    return text


def _mask_named(text: str, folded: str, masker: Masker) -> str:
    parts: list[str] = []
    done = position = 0
    patience = 2 * len(text) + 10_000  # characters that may be looked at twice, so that all stays linear
    for hit in _hits(folded):
        match = _NAMED.match(text, hit) if hit >= position else None
        if match is None:
            continue
        position = match.end()
        before = _NAME_BEFORE.search(text, max(done, match.start() - 64), match.start())
        name = (before[0] if before else "") + text[match.start() : match.start("sep")]
        kind = name_kind(name.rstrip("."))
        if (
            kind is not None
            and name.isupper()
            and text[max(0, match.start() - 80) : match.start()].endswith(
                "${" + name[: len(before[0]) if before else 0]
            )
        ):
            kind = None  # `${NAME:?message}`
        found = _QUOTED.match(text, position) if kind is not None else None
        if kind is None or found is None:
            continue
        start, stop = _secret_at(kind, name, match, found, text)
        if stop > start:
            parts += [text[done:start], masker.mask("secret:" + _PLACE[kind], text[start:stop])]
            done = position = stop
        elif patience < 0 or (found["bare"] and not any(char in found["bare"] for char in "=:")):
            position = found.end()
        else:
            patience -= found.end() - position
    parts.append(text[done:])
    return "".join(parts)


def _hits(folded: str) -> list[int]:
    """Where a keyword begins; `str.find` is ten times faster here than one pattern of all."""
    hits: list[int] = []
    for keyword in _KEYWORDS:
        at = folded.find(keyword)
        while at >= 0:
            hits.append(at if keyword[0].isalpha() else at + 1)  # a name begins with a letter
            at = folded.find(keyword, at + 1)
    return sorted(hits)


_PLACE: dict[NameKind, str] = {
    "password": "password", "passphrase": "password", "secret": "value", "token": "value", "key": "value",
}  # fmt: skip


def _secret_at(
    kind: NameKind, name: str, match: re.Match[str], found: re.Match[str], text: str
) -> tuple[int, int]:
    """From where to where the secret stands; nowhere is an empty stretch."""
    start, stop = found.span()
    if found["q"]:
        start, stop = found.span("v")
        if "\\" in found["q"]:
            stop -= len(found["v"]) - len(found["v"].rstrip("\\"))
        value = text[start:stop]
        # A shell's variable holds no sentence.
        given = kind == "password" and name.isupper() and match["sign"] == "=" and " " in value
        if is_secret(kind, value, quoted=True) or (given and 2 <= value.count(" ") + 1 <= 10):
            return start, stop if not is_placeholder(value) and not is_reference(value) else start
        return start, start
    value, sign = found[0], match["sign"].strip()
    if "\n" in match["sign"] and value.endswith(":"):
        return start, start  # the next key of YAML
    if sign in ("==", "===", "!=") and value.isalpha():
        return start, start
    environment = match["sign"] == "=" and (name.isupper() or text[max(0, start - len(name) - 2)] in "?&")
    if not environment and sign == ":" and kind == "password":
        environment = _alone_on_line(text, match.start(), stop)
    if not is_secret(kind, value, quoted=False, environment=environment):
        return start, start
    if environment and kind == "password" and name.isupper() and text[stop : stop + 1] in tuple(",;&|"):
        # Symbols of a password that nothing quotes; what ends a command has white space behind it.
        more = _SYMBOLS.match(text, stop)
        stop = more.end() if more is not None else stop
    if kind == "password" and sign == "=" and ";" in text[max(0, match.start() - 200) : match.start()]:
        # In a connection string only a semicolon ends a password.
        more = _TO_SEMICOLON.match(text, stop)
        stop = more.end() if more is not None else stop
    rest = _REST.match(text, stop) if stop - start >= _BARE_MAX else None
    return start, rest.end() if rest else stop


def _alone_on_line(text: str, start: int, stop: int) -> bool:
    """True for `password: value` as the whole of a line of several, as YAML has it."""
    begin = text.rfind("\n", max(0, start - 80), start) + 1
    return (
        (text[begin:start].strip(" -_.").replace("_", "").isalnum() or not text[begin:start].strip())
        and text[stop : stop + 1] in ("", "\n", "\r")
        and "\n" in text
    )


def _flag(match: re.Match[str], masker: Masker) -> str:
    name, quoted = match["name"], match["quoted"]
    kind = name_kind(name) or ("key" if name == "key" else None)
    value = quoted if quoted is not None else match["bare"]
    if kind is None or value.startswith("-") or "id=" in value or "src=" in value:
        return match[0]
    if not is_secret(kind, value, quoted=quoted is not None, environment=True):
        return match[0]
    start = match.start("quoted" if quoted is not None else "bare") - match.start()
    return f"{match[0][:start]}{masker.mask('secret:' + _PLACE[kind], value)}{match[0][start + len(value) :]}"


def _swap(match: re.Match[str], masker: Masker, yes: bool) -> str:
    if not yes:
        return match[0]
    start, stop = match.start("v") - match.start(), match.end("v") - match.start()
    return f"{match[0][:start]}{masker.mask('secret:password', match['v'])}{match[0][stop:]}"


def _prose_value(value: str) -> bool:
    """Prose is full of words: only what mixes letters with digits, and is no code, counts."""
    value = value.rstrip(".!?)")
    if (
        is_placeholder(value)
        or _REFERENCE.search(value)
        or _PATH_OF_NAMES.match(value)
        or _WORDY.match(value)
    ):
        return False
    has_digit = any(c.isdigit() for c in value)
    has_letter = any(c.isalpha() for c in value)
    return has_digit and has_letter and not any(c in "()[]{}=:/|" for c in value)


def _is_element(name: str, value: str) -> bool:
    kind = name_kind(name)
    return kind is not None and is_secret(kind, value, quoted=True)
