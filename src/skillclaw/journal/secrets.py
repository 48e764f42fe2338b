"""Credentials that can be told by where they stand: in URLs, headers, cookies; and private keys.

Every pattern is linear in the text: a literal anchor, then bounded or possessive classes. The forms that
vendors gave their own keys are in `vendors`.
"""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import re

from skillclaw.journal.redact_judge import is_placeholder, is_reference, is_speakable, looks_random
from skillclaw.journal.redact_text import HOLE, Masker, Rule
from skillclaw.journal.vendors import not_example, rule

__all__ = ["PRIVATE_KEY", "RULES", "mask_private_keys"]

_ATTRIBUTES = frozenset(("path", "domain", "expires", "max-age", "samesite", "priority", "version"))


def _is_session(value: str) -> bool:
    """Whether one of the cookies may be a session's: what sets a theme or a language is none."""
    pairs = [part.strip().partition("=") for part in value.split(";")]
    return not_example(value) and any(
        len(held) >= 6 and any(c.isdigit() for c in held) and name.lower() not in _ATTRIBUTES
        for name, _, held in pairs
    )


_V = rf"[^\s\"'`<>,;{HOLE}\\]"
RULES: tuple[Rule, ...] = (
    # The password of a URL; what a shell or a template fills in stays.
    rule("password", "://", rf"://[^\s/:@\"'`<>{HOLE}]{{0,128}}+:(?P<v>[^\s/\"'`<>{HOLE}]{{1,256}})@(?=[\w\[.-])"),
    rule("token", "://", r"://(?P<v>[A-Za-z0-9_-]{20,256}+)@(?=[\w\[.-])", random=True),
    Rule(
        "secret:authorization",
        ("authorization", "x-api-key", "api-key", "x-auth-token", "x-goog-api-key", "private-token", "x-token"),
        re.compile(
            r"(?i:authorization|x-api-key|api-key|x-auth-token|x-goog-api-key|private-token|x-token)"
            r"(?:\\{0,31}[\"'`])?\s{0,4}[:=]\s{0,4}(?:\\{0,31}[\"'`])?"
            rf"(?:(?i:bearer|basic|token|digest|apikey|bot|key|aws4-hmac-sha256)\s{{1,4}})?(?P<v>{_V}{{8,4096}}+)"
        ),
        lambda value: not is_placeholder(value) and not is_reference(value) and not value.isalpha(),
        fold=True,
    ),
    Rule(
        "secret:authorization",
        ("bearer ",),
        re.compile(rf"(?i:\bbearer)\s{{1,4}}(?P<v>{_V}{{12,4096}}+)"),
        lambda value: not is_placeholder(value) and not is_reference(value) and any(char.isdigit() for char in value),
        fold=True,
    ),
    Rule(
        "secret:authorization",
        ("basic ",),
        re.compile(r"(?i:\bbasic)\s{1,4}(?P<v>[A-Za-z0-9+/]{12,512}+={0,2})(?![\w./-])"),
        lambda value: not is_placeholder(value) and (value.endswith("=") or looks_random(value)),
        fold=True,
    ),
    Rule(
        "secret:cookie",
        ("cookie:", 'cookie"', "cookie'", "cookie\\", "cookie :"),
        re.compile(
            r"(?i:(?<![\w.-])(?:set-)?cookie)(?:\\{0,31}[\"'`])?\s{0,4}:\s{0,4}(?:\\{0,31}[\"'`])?"
            rf"(?P<v>[A-Za-z0-9_.!%-]{{1,128}}+=[^\r\n\"'`{HOLE}\\]{{4,4096}}+)"
        ),
        _is_session,
        fold=True,
    ),
    rule("cookie", ("-b ", "--cookie"), rf"(?<=\s)(?:-b|--cookie)[ =][\"']?(?P<v>[\w.-]{{1,64}}+=[^\r\n\"'{HOLE}]{{8,2048}}+)"),
    # Names and values as one URL carries them inside another.
    Rule(
        "secret:value",
        ("%3d", "%3a"),
        re.compile(
            r"(?i:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|signature|auth|credentials?)(?:%(?:25)?22)?%(?:25)?3[DdAa](?:%(?:25)?2[02])?"
            rf"(?P<v>(?:(?!%(?:25)?(?:26|20|0[AaDd]|2[23]|2[Cc](?=[A-Za-z_]{1,30}(?:%|=|\Z))|3[Bb]|7[Dd]))[^\s\"'&<>{HOLE}]){{6,1024}}+)"
        ),
        lambda value: not is_placeholder(value) and not is_reference(value) and any(c.isdigit() for c in value),
        fold=True,
    ),
    rule("password", ("pass",), r"(?i:app[ _-]?pass\w*|password)(?:[ \t]?[:=]|\sis)\s{0,3}(?:\\{0,15}[\"'`])?(?P<v>[a-z]{4}(?: [a-z]{4}){3})(?!\s?[A-Za-z])"),
    # Four times four letters, as mail services make them; spoken aloud they are no words.
    Rule(
        "secret:password",
        ("passw", "pass", "kennwort", "smtp", "imap"),
        re.compile(r"(?i:passw(?:or)?[dt]|app[ _-]?pass\w*|_pass|kennwort|smtp|imap)(?s:.{0,72}?)(?:(?<![A-Za-z])|(?<=\\n))(?P<v>[a-z]{4}(?:(?: |\+|%20)[a-z]{4}){3})(?![A-Za-z])"),
        lambda value: not is_speakable(re.sub(r"%20|[^a-z]", "", value)),
        fold=True,
    ),
    rule("okta-token", "SSWS", r"SSWS(?: |%20)(?P<v>00[A-Za-z0-9_-]{38,42})"),
    rule("wireguard-key", ("PrivateKey", "PresharedKey"), r"(?:PrivateKey|PresharedKey)\s{0,3}=\s{0,3}(?P<v>[A-Za-z0-9+/]{43}=)"),
    # What `openssl pkey -text` prints of a private key.
    Rule(
        "secret:private-key",
        ("priv:", "privateexponent:", "prime1:", "prime2:", "exponent1:", "exponent2:", "coefficient:"),
        re.compile(r"(?:priv|privateExponent|prime[12]|exponent[12]|coefficient):(?:\s|\\n){1,12}(?P<v>(?:[0-9a-f]{2}:){7,15}(?:(?:\s|\\n){0,12}(?:[0-9a-f]{2}:){1,15}){0,64}(?:(?:\s|\\n){0,12}[0-9a-f]{2})?)"),
        fold=True,
    ),
    rule("kubeconfig-key", "-data:", r"(?:client-key-data|certificate-authority-key-data):\s{0,3}(?P<v>[A-Za-z0-9+/]{40,}+={0,2})"),
)  # fmt: skip

PRIVATE_KEY = "PRIVATE KEY"
_BEGIN = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}?PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_TO_END = re.compile(
    rf"(?P<body>(?:[^-{HOLE}]++|-(?!----?))*+)-{{4,6}} ?END [A-Z0-9 ]{{0,40}}?PRIVATE KEY(?: BLOCK)? ?-{{4,5}}"
)
_CUT_OFF = re.compile(
    r"(?:\s|\\[nr]|[A-Za-z0-9+/=]{16,}+|[A-Za-z-]{3,20}: [^\n\\]{1,100}(?:\n|\\n)|[A-Za-z0-9+/]{1,15}=*(?=\s|\\n|$))*+"
)
_RUN = re.compile(r"[A-Za-z0-9+/]{40}")
_END = re.compile(r"-{4,6} ?END [A-Z0-9 ]{0,40}?PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_BACK = re.compile(
    r"(?:[nr]\\{1,16}){0,2}[\s\\\"'+,>|]{0,12}(?:[A-Za-z0-9+/=]{1,80}+(?=[\s\\\"']))?(?:[\s\\\"'+,>|]{1,12}[A-Za-z0-9+/=]{40,}+){1,200}"
)
"""The lines of a key, read from its end."""
_PUTTY = re.compile(
    r"Private-Lines: \d{1,3}(?:\\{1,16}r)?(?:\\{1,16}n|\r?\n)(?P<v>(?:(?:[ \t+|-]|\d{1,6}[\t:|→]){0,20}[A-Za-z0-9+/=]{1,80}(?:(?:\\{1,16}r)?\\{1,16}n|\r?\n)?){1,200})"
)


def mask_private_keys(text: str, masker: Masker) -> str:
    """Private keys in PEM form, whole, or as far as they go where the end was cut off; PuTTY's too."""
    parts: list[str] = []
    done = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() < done:
            continue
        end = _TO_END.match(text, begin.end()) or _CUT_OFF.match(text, begin.end())
        if end is None or not _RUN.search(end[0].replace("\\n", "\n")):
            continue  # code or prose that speaks of the header
        stop = end.end() - len(end[0]) + len(end[0].rstrip())
        parts += [text[done : begin.start()], masker.mask("secret:private-key", text[begin.start() : stop])]
        done = stop
    parts.append(text[done:])
    text = _without_begin("".join(parts), masker)
    return _PUTTY.sub(
        lambda m: m[0].replace(m["v"], masker.mask("secret:private-key", m["v"].strip()) + "\n"), text
    )


def _without_begin(text: str, masker: Masker) -> str:
    """The text with keys masked whose first lines were cut off."""
    parts: list[str] = []
    done = 0
    for end in _END.finditer(text):
        if not _RUN.search(text, max(done, end.start() - 200), end.start()):
            continue
        lines = _BACK.match(text[max(done, end.start() - 20_000) : end.start()][::-1])
        if lines is not None:
            start = end.start() - len(lines[0])
            parts += [text[done:start], masker.mask("secret:private-key", text[start : end.end()])]
            done = end.end()
    return "".join([*parts, text[done:]]) if parts else text
