"""What looks like a secret and is public: certificates, public keys, fingerprints, checksums, images.

It is set aside before the rules look at a text, so that none of them takes it for a key, and put back
afterwards. Only what tells by its own form, or by the words right before it, that it is public.
"""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import re

from skillclaw.journal.redact_linked import BEGIN, rare
from skillclaw.journal.redact_text import HOLE, Masker, holds

__all__ = ["set_aside"]

_Q = r"\\{0,15}[\"'`]"
_B64 = r"[A-Za-z0-9+/]"
_ANY = r"[A-Za-z0-9+/_-]"

# Armour (RFC 7468, RFC 9580, RFC 4716) around what is public.
_TITLE = (
    r"(?:(?:[A-Z0-9]{1,12} ){0,3}CERTIFICATE(?: REQUEST| LIST)?|X509 CRL|(?:[A-Z0-9]{1,12} ){0,2}PUBLIC KEY(?: BLOCK)?"
    r"|(?:PGP|SSH|COSIGN) SIGNATURE|PKCS7|CMS|(?:DH|EC|DSA|X9\.42 DH) PARAMETERS|PGP SIGNED MESSAGE)"
)
_BEGIN = re.compile(rf"-{{4,5}} ?BEGIN {_TITLE} ?-{{4,5}}")
_TO_END = re.compile(rf"(?:[^-{HOLE}]++|-(?!----?))*+-{{4,6}} ?END {_TITLE} ?-{{4,5}}")
_LINES = re.compile(rf"(?:[^A-Za-z0-9{HOLE}]{{1,40}}(?:n|\d{{1,6}}[→\t:|][ ]?)?{_B64}{{40,}}+={{0,2}})++")
"""The lines of a body whose end was cut off."""
_END = re.compile(rf"-{{4,6}} ?END {_TITLE} ?-{{4,5}}")
_BACK = re.compile(
    rf"(?:[nr]\\{{1,16}}){{0,2}}[\s\\\"'+,>|-]{{0,12}}(?:[A-Za-z0-9+/=]{{1,80}}+(?=[\s\\\"']))?(?:[\s\\\"'+,>|]{{1,12}}={{0,2}}{_B64}{{40,}}+){{1,400}}"
)
"""The same, read from the end, where the beginning was cut off."""
_RUN = re.compile(rf"{_B64}{{40,}}+={{0,2}}")
TAIL = 240
"""Characters at the end of a body that hold its last line and the ruler."""
_LAST = re.compile(
    rf"(?<![A-Za-z0-9+/]){_B64}{{1,80}}={{0,2}}(?=(?:\\{{0,16}}[nr]|[\s\"'+,>|\\-]){{0,8}}(?:\d{{1,6}}[→\t:|][ ]?)?-{{4}})"
)
_PUTTY = re.compile(
    rf"Public-Lines: \d{{1,3}}(?P<v>(?:(?:\s|\\{{1,16}}[nr]|[+|-]|\d{{1,6}}[\t:|→]){{1,24}}{_B64}{{8,80}}+={{0,2}}){{1,100}})"
)

# (what a text must hold, pattern); the group `v` is public.
_FORMS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (needles, re.compile(pattern.replace("\\b", BEGIN)))
    for needles, pattern in (
        # OpenSSH's public keys and certificates; the first bytes of the body name the kind again.
        (("AAAA",), rf"(?P<v>AAAA(?:B3NzaC1|C3NzaC1|E2VjZHNh|GnNrLXNza|InNrLWVjZ|IHNzaC1|HHNzaC1|KGVjZHNh){_B64}{{20,}}+={{0,3}})"),
        (("AAAA",), rf"\b(?:ssh-[a-z0-9]{{2,10}}|ecdsa-sha2-nistp\d{{3}}|sk-[\w@.-]{{8,40}})(?:[ \t]|\\t){{1,4}}(?P<v>AAAA{_B64}{{16,}}+={{0,3}})"),
        (("|1|",), rf"\|1\|(?P<v>{_B64}{{27}}=\|{_B64}{{27}}=)"),
        # Fingerprints, checksums, pins: the name of the hash, then the hash in base64.
        (("SHA", "sha"), rf"(?i:\bsha-?(?:1|224|256|384|512))(?:[:/=-]|//)(?P<v>{_ANY}{{26,88}}+={{0,2}})(?![\w+/])"),
        (("md5", "MD5"), rf"(?i:\b(?:content-)?md5)(?:[=-]|:\s?)(?P<v>{_B64}{{22}}==)"),
        (("h1:",), rf"\bh1:(?P<v>{_B64}{{43}}=)"),
        (("base32-",), r"\bbase32-(?P<v>[a-z0-9]{52})"),
        (("kid", "x5t"), rf"(?:{_Q})(?:kid|x5t(?:#S256)?)(?:{_Q})\s?:\s?(?:{_Q})(?P<v>[A-Za-z0-9+/_=.:-]{{4,128}}+)"),
        (("Qm",), r"(?<![A-Za-z0-9])(?P<v>Qm[1-9A-HJ-NP-Za-km-z]{44})(?![A-Za-z0-9])"),
        (("ebsocket-", "ebSocket-"), rf"(?i:sec-websocket-(?:accept|key))(?:{_Q})?\s?:\s?(?:{_Q})?(?P<v>{_B64}{{20,28}}={{0,2}})"),
        (("did:",), r"\bdid:[a-z]{2,12}:(?P<v>[A-Za-z0-9._%-]{8,200}+)"),
        (("pub",), r"(?<![A-Za-z0-9])(?P<v>[xyztuv]pub[1-9A-HJ-NP-Za-km-z]{100,112})(?![A-Za-z0-9])"),
        (("eceiptHandle", "eceipt_handle"), rf"eceipt_?[hH]andle(?:{_Q})?\s?[:=]\s?(?:{_Q})?(?P<v>AQEB[A-Za-z0-9+/=_-]{{20,}}+)"),
        (('"kty', "'kty", '\\"kty'), rf"(?:{_Q})[xyn](?:{_Q})\s?:\s?(?:{_Q})(?P<v>[A-Za-z0-9_-]{{20,}}+)"),
        # Names of algorithms, and of mails.
        (("@openssh.com", "@libssh.org"), r"(?<![\w.@-])(?P<v>[\w-]{4,60}@(?:openssh\.com|libssh\.org))(?![\w.-])"),
        (("essage-I", "-Reply-To:", "eferences:"), r"(?i:(?:message-id|in-reply-to|references):\s{0,3})(?P<v><[^\s<>]{6,200}>)"),
        # Names of versions of a page.
        (('W/"', 'W/\\', "W/&"), r"\bW/(?:\\{0,15}\"|&quot;)(?P<v>[^\s\"\\&<>]{4,160}+)"),
        (("nonce-",), rf"\bnonce-(?P<v>{_ANY}{{8,128}}+={{0,2}})"),
        # The token that documentation of JWT shows: John Doe, 1234567890.
        (("eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lI",), r"(?<![A-Za-z0-9_-])(?P<v>eyJ[A-Za-z0-9_-]{8,120}\.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lI[A-Za-z0-9_-]{0,120}\.[A-Za-z0-9_-]{20,100})(?![A-Za-z0-9_-])"),
        # Images, fonts and the like.
        (("base64,",), rf"\bdata:(?:image|font|audio|video|application/(?:x-|vnd\.|octet|pdf|wasm|zip|font))[\w.+/-]{{0,60}}(?:;[\w=.-]{{1,40}}){{0,4}};base64,(?P<v>{_ANY}{{8,}}+={{0,2}})"),
        # Keys that are given to everybody.
        (("pk_live_", "pk_test_"), r"(?<![A-Za-z0-9])(?P<v>pk_(?:live|test)_[A-Za-z0-9]{8,})"),
        (("age1",), r"(?<![A-Za-z0-9])(?P<v>age1[02-9ac-hj-np-z]{58})(?![A-Za-z0-9])"),
        (("RW",), rf"(?<![A-Za-z0-9+/])(?P<v>RW{_B64}{{54}})(?![A-Za-z0-9+/=])"),
        (("C:Q1",), rf"\bC:(?P<v>Q1{_B64}{{26,27}}=)"),
        (("verification",), rf"(?i:[a-z]{{2,20}}-(?:site|domain)-verification)(?:=|\s?:\s?|\s)(?:{_Q})?(?P<v>{_ANY}{{16,128}}+={{0,2}})"),
        (("DNSKEY", "RRSIG", "CDNSKEY", "TLSA", "SSHFP", "OPENPGPKEY", "IPSECKEY"), rf"\b(?:C?DNSKEY|RRSIG|TLSA|SSHFP|OPENPGPKEY|IPSECKEY)[ \t][^\n\"]{{0,120}}?[ \t(](?P<v>{_B64}{{40,}}+={{0,2}}(?:[ \t]{{1,4}}{_B64}{{8,}}+={{0,2}}){{0,12}})"),
        (("p=",), rf"\bp=(?P<v>MI[A-Za-z]{_B64}{{30,}}+={{0,2}})"),
    )
)  # fmt: skip

_NEEDLES = tuple(sorted({needle for needles, _ in _FORMS for needle in needles}))


def set_aside(text: str, masker: Masker) -> str:
    """The text with what is public in holes of their own, which `Masker.put_back` takes out again."""
    if "BEGIN " in text or "END " in text:
        text = _blocks(text, masker)
    if "Public-Lines" in text:
        text = _PUTTY.sub(lambda match: _kept(match, masker), text)
    if rare(_NEEDLES, text):
        for needles, pattern in _FORMS:
            if holds(needles, text):
                text = pattern.sub(lambda match: _kept(match, masker), text)
    return text


def _kept(match: re.Match[str], masker: Masker) -> str:
    start, end = match.start("v") - match.start(), match.end("v") - match.start()
    return match[0][:start] + masker.aside(match["v"]) + match[0][end:]


def _blocks(text: str, masker: Masker) -> str:
    """The text with the lines of base64 in armour set aside; what else stands there is looked at."""
    parts: list[str] = []
    done = 0
    for begin in _BEGIN.finditer(text):
        found = _TO_END.match(text, begin.end()) or _LINES.match(text, begin.end())
        if begin.start() < done or found is None:
            continue
        parts += [text[done : begin.end()], _body(found[0], masker)]
        done = found.end()
    text = "".join([*parts, text[done:]]) if parts else text
    parts, done = [], 0
    for end in _END.finditer(text):
        lines = _BACK.match(text[max(done, end.start() - 20_000) : end.start()][::-1])
        if lines is not None:
            start = end.start() - len(lines[0])
            parts += [text[done:start], _body(text[start : end.end()], masker)]
            done = end.end()
    return "".join([*parts, text[done:]]) if parts else text


def _body(text: str, masker: Masker) -> str:
    """The lines of a body set aside, and the rest of one before its end."""
    text = _RUN.sub(lambda match: masker.aside(match[0]), text)
    head, tail = text[:-TAIL], text[-TAIL:]
    return head + _LAST.sub(lambda match: masker.aside(match[0]), tail, count=1)
