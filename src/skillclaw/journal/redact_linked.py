"""Credentials that a name gives away from further off: the head of a column, a function's name above what it
returns, a question above its answer.

The link is a form of its own in each case, so a value counts when it looks made or mixes letters with digits.
"""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import re
from functools import cache
from typing import Any

from skillclaw.journal.redact_judge import (
    is_placeholder,
    is_reference,
    is_secret,
    looks_random,
    name_kind,
)
from skillclaw.journal.redact_text import HOLE, Masker, holds

__all__ = ["BEGIN", "linked", "linked_value", "mask_linked", "named", "rare"]

_Q = r"\\{0,15}[\"'`]"
BEGIN = r"(?:\b|(?<=\\n)|(?<=\\t))"
"""Where a word begins, also after an escape of JSON."""
_LINE = r"(?:\\{1,8}r)?(?:\\{1,8}n|\r?\n)"
_MADE = rf"[^\s\"'`<>,;{HOLE}\\]{{6,256}}+"
_QUOTED = rf"[bruf]?{_Q}(?P<v>[^\"'`\n{HOLE}\\]{{6,512}}+)(?={_Q})"
_WORD = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z])|(?<=api)|(?<=auth)|(?<=access)|(?<=[^\W_A-Za-z]))(?i:key|token|secret|password|passphrase|credential|passcode|密钥|令牌|口令|密码)s?"

# What stands between a name that says secret and its value.
_TAILS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (needles, re.compile(pattern))
    for needles, pattern in (
        # A function of that name, and the text it returns.
        (("return",), rf"\s?\([^()\n]{{0,80}}\)[^\"`{HOLE}]{{0,240}}?(?<![a-z])return[ (]{{1,2}}{_QUOTED}"),
        # A block of that name, and its value or default in one of the next lines.
        (("default", "value"), rf"{_Q}\s?[:=]?\s?\{{[^{{}}{HOLE}]{{0,200}}?\b(?:default|value)(?:{_Q})?\s{{0,8}}[:=]\s{{0,4}}{_QUOTED}"),
        # From an old value to a new one.
        (("->", "=>", "→"), rf"(?:{_Q})?\s{{0,4}}[:=]\s{{0,8}}(?:{_Q}[^\"'\n{HOLE}]{{0,200}}?{_Q}|null|\(\w[\w ]{{0,20}}\))\s{{0,3}}(?:=>|->|→)\s{{0,3}}{_QUOTED}"),
        (("default", "fallback"), rf"{_Q}\s?,\s?(?i:default|fallback|default_?value)\s?[=:]\s?{_QUOTED}"),
        (("unwrap_or", "orelse", "or_else", "or_insert", "fetch", "getenv", "default"), rf"{_Q}\s?\)[^\n\"'`{HOLE}]{{0,40}}?\b(?:unwrap_or|or_?[eE]lse|getOrElse|or_insert|or_default|default)\w{{0,8}}\(\s?{_QUOTED}"),
        # An argument of a call, or an alternative.
        (("(",), rf"(?:{_Q})?\]?\s?(?::\s?&?[\w<>]{{1,24}}\s?)?(?::=|=|:)\s?(?:new |await )?[\w.:<>]{{1,60}}\(\s?{_QUOTED}"),
        (("||", "??", " or ", ":-"), rf"(?:{_Q})?[\])]{{0,2}}\s?(?:\|\|=?|\?\?=?|or|:-|=[ ][\w.\[\]]{{1,60}}\s?(?:\|\||\?\?|or))\s?{_QUOTED}"),
        # What a test or a browser types into a field of that name.
        (("send_keys", "sendkeys", "type(", "fill(", "tobe(", "toequal(", "setvalue(", "equal(", "eq("), rf"(?:\(\))?{_Q}?[\])\"']{{0,3}}[^\n\"'`{HOLE}]{{0,16}}?\.(?:send_keys|sendKeys|type|fill|setValue|(?:to\.)?(?:be|toBe|toEqual|toStrictEqual|equal|eql?))\(\s?{_Q}(?P<v>[^\"'`\n\\{{{HOLE}]{{4,512}}+)(?=(?:\{{\w{{1,16}}\}}){{0,3}}{_Q})"),
        (("<string", "&lt;string", "<value", "u003cstring"), rf"<\\?/\w{{1,12}}>[^<>\n{HOLE}]{{0,8}}(?:{_LINE})?[^<>\n{HOLE}]{{0,60}}?<\w{{1,12}}>(?P<v>[^<>\n{HOLE}]{{6,512}}+)(?=<)"),
        # Without quotes.
        (("=", ":"), rf"(?:{_Q})?[ \t]{{0,3}}(?:=|:[ \t])[ \t]{{0,16}}(?:{_Q})?(?P<v>{_MADE})"),
        ((" to ", " is ", "set ", "setx ", "export ", "setenv "), rf"\s(?:is set |set |now )?(?:to |is )?(?:{_Q})?(?P<v>{_MADE})"),
    )
)  # fmt: skip


def linked(folded: str) -> list[re.Pattern[str]]:
    """The links that may stand in a text. `folded`: the text in lower case."""
    return [pattern for needles, pattern in _TAILS if holds(needles, folded)]


def linked_value(name: str, text: str, at: int, links: list[re.Pattern[str]]) -> tuple[int, int] | None:
    """From where to where the credential stands that `name`, which ends at `at`, gives away."""
    for pattern in links:
        match = pattern.match(text, at)
        if match is not None and named(name, match["v"]):
            return match.start("v"), match.start("v") + len(_bare(match["v"]))
    return None


# Words for a credential with a form around them that leaves no other reading.
_SAID: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (needles, re.compile(pattern))
    for needles, pattern in (
        (("#", "//", "--", "<-", "←"), rf"(?:(?<=[\s\"'`(])|^)(?P<v>[^\s\"'`<>,;(){HOLE}\\]{{8,512}}+)(?:{_Q})?[);,]{{0,3}}\s{{1,4}}(?:#|//|--|/\*|<-+|←|;)\s?[^\n{HOLE}]{{0,30}}?{_WORD}(?![A-Za-z])"),
        (("?", "？"), rf"{_WORD}(?![A-Za-z])[^\n?？{HOLE}]{{0,80}}[?？](?:{_Q})?\s{{0,2}}(?:{_LINE}[^\n{HOLE}]{{0,60}}?)?(?:[:>\])：]\s|\s|{_LINE})\s?(?:{_Q})?(?P<v>[^\s\"'`<>,;{HOLE}\\]{{8,512}}+)(?=[\"'`.,]{{0,2}}(?:\s{{0,2}}\Z|{_LINE}|\\|[\"'}}]))"),
    )
)  # fmt: skip

_ALONE = rf"(?P<v>[^\s\"'`<>,;{HOLE}\\]{{12,512}}+)(?=[\"'`.,]{{0,2}}(?:\s{{0,2}}\Z|{_LINE}|\\|[\"'}}]))"
_BELOW = re.compile(
    rf"(?<!cache )(?<!public )(?<!primary )(?<!foreign ){_WORD}(?![A-Za-z])[^\n{HOLE}]{{0,24}}?(?:{_LINE}[ \t>+-]{{0,12}}(?:\d{{1,6}}[→\t:|][ ]{{0,8}})?){{1,3}}(?:Out\[\d{{1,4}}\]:\s)?(?:{_Q})?{_ALONE}"
)
_FIRST = re.compile(rf"{_Q}(?P<v>[^\s\"'`<>,;{HOLE}\\]{{12,512}}+){_Q},\s?[\w.]{{0,40}}?{_WORD}(?![a-z])")

# Passwords, which are short and say less of themselves.
_SAYS = r"(?:(?i:passw(?:or)?d|passphrase|passcode|passwort|kennwort|credentials?|creds)|密码|密碼|口令|パスワード)"
_P = rf"(?:{_Q})?(?P<v>[^\s\"'`<>{HOLE}\\]{{6,64}}+)"
_EOL = rf"(?=[\"'`.,]{{0,2}}(?:\s{{0,2}}\Z|{_LINE}|\\|[\"'}}]))"
_PASSWORDS = tuple(
    (needles, re.compile(pattern))
    for needles, pattern in (
        (("login", "log in", "cred", "sign in", "account"), rf"(?i:\b(?:log ?in|creds?|credentials?|sign in|account)\b)[^\n{HOLE}/:]{{0,24}}(?:[:=]\s?)?[\w.@-]{{2,40}}(?:\s/\s|:|\s\|\s){_P}"),
        (("pass", "密码", "密碼", "パスワード", "cred", "kennwort"), rf"{_SAYS}[^\n:：?{HOLE}]{{0,60}}[:：?]\s{{1,3}}(?:(?i:it['’]?s|it is|use|try|should be|is)\s)?{_P}{_EOL}"),
        (("密码", "密碼", "口令", "パスワード"), rf"(?:密码|密碼|口令|パスワード)\s?(?:是|为|為|は|：|:|改成|换成)\s?{_P}"),
        (("pass",), rf"(?i:password|passwd|passphrase)\s{_Q}(?P<v>[^\s\"'`<>{HOLE}\\]{{6,64}}+)(?={_Q})"),
        (("password <-", "pass <-", "pw <-", "password: &", "[password]", "password:</", "password<br"), rf"(?i:passw(?:or)?d|pass|pw)(?:\s?<-\s?|:\s&\w{{1,20}}\s|\]\s|:?</?\w{{1,8}}\s?/?>\s?){_P}"),
        (("changed from", "reset from"), rf"(?i:passw(?:or)?d)\s(?:was\s)?(?:changed|reset)\sfrom\s{_P}"),
        (("pw ", "pwd "), rf"(?i:(?:^|(?<=[\s(]))(?:temp|new|old|root|admin|db|my|the)?\s?pwd?)\s{_P}"),
        ((" p: ",), rf"\bu:\s\S{{1,40}}\s{{1,4}}p:\s{_P}"),
        (("add_user", "change_password", "useradd"), rf"\b(?:add_user|change_password)\s{{1,3}}[\w.-]{{1,64}}\s{{1,3}}{_P}"),
        (("<<<",), rf"\b(?:kinit|passwd|cryptsetup|sudo|gpg|openssl)\b[^\n{HOLE}]{{0,60}}?<<<\s?{_P}"),
    )
)  # fmt: skip


def _password(value: str) -> bool:
    """Whether a value is written as passwords are: no word, number, path, address or call."""
    if (
        len(value) < 6
        or not _real(value)
        or value.startswith(("/", ".", "#", "@", "[", "("))
        or "://" in value
    ):
        return False
    if any(c in value for c in "(){}[]=") and value.isascii() and "(" in value:
        return False
    digits = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    if not value.isascii() or letters < 2 or _NO_PASSWORD.match(value):
        return False
    if not digits:
        return (
            value.isalnum()
            and len(value) <= 20
            and sum(map(str.isupper, value[1:])) >= 3
            and not value.isupper()
        )
    return True


_NO_PASSWORD = re.compile(
    r"(?i)^(?:sha\d|md5|bcrypt|argon|scrypt|pbkdf|aes|rsa|utf|http|v?\d[\d.]*[a-z]{0,8}$|\d+[-:/.]\d|[\w-]+\.\w{1,4}:\d+|[a-z-]+@v?\d+\.\d|(?:[0-9a-f]{1,4}:){2,})"
)

# A value, and what it is: `use V as the X key`.
_AS = re.compile(
    rf"\s(?:as|is|was|for|=|isn['’]t|is not)\s(?:(?:the|our|my|your|a|an|its|new)\s){{0,2}}[^\n.,;?!{HOLE}]{{0,40}}?{_WORD}(?![A-Za-z])"
)
_SAYS_PASSWORD = re.compile(r"(?i)password|passphrase|passcode|口令|密码")
_HASHED = re.compile(
    r"(?i)(?:sha-?\d*|commit|digest|hash|tree|blob|oid|revision|\bid|uuid|etag|print)[\s:=@\"'(-]{1,3}\Z"
)
LONGEST = 256


def _said_after(text: str, masker: Masker) -> str:
    parts: list[str] = []
    done = 0
    for match in _AS.finditer(text):
        before = text[max(done, match.start() - LONGEST) : match.start()].rstrip("\"'`),\\")
        start = max(before.rfind(char) for char in " \n\t\r\"'`<>,;(){}\\\ufdef") + 1
        value = before[start:]
        if _HASHED.search(before[:start]):
            continue
        if _made(value) or (_SAYS_PASSWORD.search(match[0]) and _password(value)):
            at = max(done, match.start() - LONGEST) + start
            parts += [text[done:at], masker.mask("secret:value", value)]
            done = at + len(value)
    return "".join([*parts, text[done:]]) if parts else text


# Places where only a credential can stand.
_ONLY: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (needles, re.compile(pattern.replace("\\b", BEGIN)))
    for needles, pattern in (
        (("/private-", "/priv-", "/secret-", "/token-"), r"/(?:private|priv|secret|token)-(?P<v>[A-Za-z0-9_%-]{16,128}+)(?=/)"),
        (("ssh-keygen",), rf"\bssh-keygen\b[^\n|;]{{0,200}}?\s-[NP]\s{{0,2}}(?:{_Q})?(?P<v>[^\s\"'{HOLE}\\]{{4,128}}+)"),
        (("wpa_passphrase",), rf"\bwpa_passphrase\s{{1,3}}(?:\"[^\"\n]{{1,64}}\"|'[^'\n]{{1,64}}'|[^\s\"']{{1,64}})\s{{1,3}}(?:{_Q})?(?P<v>[^\s\"'<>|{HOLE}\\]{{8,64}}+)"),
        (("plink", "pscp", "psftp", "putty"), rf"\b(?:plink|pscp|psftp|putty)(?:\.exe)?\b[^\n|;]{{0,200}}?\s-pw\s{{1,3}}(?:{_Q})?(?P<v>[^\s\"'{HOLE}\\]{{4,128}}+)"),
        (("net user",), rf"(?i)\bnet1? user[ \t]{{1,3}}[\w.-]{{1,40}}[ \t]{{1,3}}(?:{_Q})?(?P<v>[^\s/*\"'{HOLE}\\][^\s/\"'{HOLE}\\]{{3,128}}+)"),
        (("unseal", "vault"), rf"\bvault\s{{1,2}}(?:operator\s{{1,2}})?(?:unseal|rekey|login)\s{{1,3}}(?:-[\w=-]{{1,40}}\s{{1,3}}){{0,4}}(?:{_Q})?(?P<v>[A-Za-z0-9+/=._-]{{16,256}}+)"),
        (("totp", "hotp", "authenticator", "oathtool"), rf"(?i:\b(?:pyotp|otplib|speakeasy|otp|rotp)?[.:]{{0,2}}(?:totp|hotp)(?:\.new|\.generate|\.now)?\(\s?[\w=]{{0,12}}|\boathtool\b[^\n|;]{{0,80}}?\s(?:-b|--base32|-s)\s{{1,3}})(?:{_Q})?(?P<v>[A-Z2-7a-z]{{16,128}}+=*)"),
        (("http -a", "https -a", "xh -a", "--auth"), rf"\b(?:https?|xh|xhs)\s(?:[^\n|;\"']{{0,80}}\s)?(?:-a|--auth)[= ]\s{{0,2}}(?:{_Q})?[\w.@-]{{1,80}}:(?P<v>[^\s\"'{HOLE}\\]{{4,128}}+)"),
        (("mnemonic", "seed", "助记词", "recovery"), rf"(?i:--mnemonic|--seed(?:-phrase)?|mnemonic|seed phrase|助记词|recovery phrase)[\s:：=]{{1,3}}(?:{_Q})?(?P<v>[a-z]{{3,8}}(?:[ ,]{{1,2}}[a-z]{{3,8}}){{11,23}}+)"),
        (("bearer ",), r"\b[Bb]earer\s(?P<v>[a-z]{3,12}(?:[-_.][a-z0-9]{2,12}){2,8}+)(?=[\s\"'`\\]|\Z)"),
        ((" pw ", "pwd ", "pw:", "pass is", "passwd "), rf"(?i:\b(?:pw|pwd|passwd|pass)\s?(?:is|=|:|ist|was|->)\s?)(?:{_Q})?(?P<v>[^\s\"'<>{HOLE}\\]{{6,128}}+)"),
        (("kubeadm", "bootstrap", "usages", "token"), r"(?:(?<![\w./-])|(?<=\n-)|(?<=\\n-))(?P<v>(?=[a-z.]{0,22}\d)[a-z0-9]{6}\.(?=[a-z]{0,15}\d)[a-z0-9]{16})(?![\w./-])"),
        (("wifi:",), r"\bWIFI:(?:[A-Z]:[^;\n]{0,64};){0,4}P:(?P<v>[^;\n\\]{4,64}+)(?=;)"),
        (("seed", "mfa", "totp", "otp"), rf"(?i:(?:mfa|totp|otp|two_?factor|authenticator)[_-]?(?:seed|secret|key)?){_Q}?\s?[:=]\s?{_Q}(?P<v>[A-Z2-7]{{16,128}}+=*)"),
        (("authorization:",), r"(?i:authorization:\s)(?!basic|bearer|digest)[A-Za-z]{3,20}\s(?P<v>[A-Za-z0-9._~+/-]{16,512}+=*)"),
        (("sshpass",), rf"\bsshpass\s{{1,3}}-p\s?(?:{_Q})?(?P<v>[^\s\"'{HOLE}\\]{{4,128}}+)"),
        (("sudo -s", "sudo --stdin"), rf"\becho\s{{1,3}}(?:-\w\s{{1,2}})?{_Q}?(?P<v>[^\s\"'|{HOLE}\\]{{4,128}}+){_Q}?\s{{0,2}}\|\s{{0,2}}sudo\s(?:-S|--stdin)"),
        (("chpasswd",), rf"\bchpasswd:[^\n\\]{{0,20}}{_LINE}[^\n\\]{{0,100}}?(?:list|users):\s?\|?-?\s{{0,3}}{_LINE}[^\n\\:]{{0,100}}?[\w.-]{{1,40}}:(?P<v>[^\s\"':{HOLE}\\]{{4,128}}+)"),
        ((" -k ", "--key", "--apikey"), rf"\s(?:-k|--key|--apikey|--key-value)[ =](?:{_Q})?(?P<v>[A-Za-z0-9+/_-]{{24,512}}+={{0,2}})(?![\w./-])"),
        (("true", "false"), rf"(?:TRUE|FALSE)(?:\t|\\{{1,8}}t)/[^\s\\]{{0,200}}(?:\t|\\{{1,8}}t)(?:TRUE|FALSE)(?:\t|\\{{1,8}}t)\d{{1,12}}(?:\t|\\{{1,8}}t)[\w.-]{{1,100}}(?:\t|\\{{1,8}}t)(?P<v>[^\s\"'{HOLE}\\]{{8,4096}}+)"),
        (("appid=", "apikey=", "api_key=", "key=", "token=", "sig="), r"[?&;](?:appid|api_?key|apiKey|key|token|access_token|auth|sig|signature|secret)=(?P<v>[0-9a-fA-F]{32}|[A-Za-z0-9_-]{32,512}+)(?![\w-])"),
        (("password=", "pwd="), rf"(?i)(?:server|data source|host|user id|uid)=[^\n\"']{{0,200}}?;\s?(?:password|pwd)\s?=\s?(?P<v>[^;\"'\n{HOLE}\\]{{4,256}}+)(?=;)"),
    )
)  # fmt: skip
_WORDS = ("key", "token", "secret", "pass", "credential", "密钥", "令牌", "口令", "密码")


def mask_linked(text: str, folded: str, masker: Masker) -> str:
    """The text with values masked that a name or a place gives away. `folded`: in lower case, in place."""
    if holds(_WORDS, folded):
        text = _said_after(text, masker)
        text = _BELOW.sub(lambda m: _swap(m, masker, _made(_bare(m["v"]))), text)
        text = _FIRST.sub(lambda m: _swap(m, masker, _made(m["v"])), text)
        for needles, pattern in _SAID:
            if holds(needles, folded):
                text = pattern.sub(lambda m: _swap(m, masker, _answer(_bare(m["v"]))), text)
    for needles, pattern in _PASSWORDS:
        if holds(needles, folded):
            text = pattern.sub(lambda m: _swap(m, masker, _password(_bare(m["v"]))), text)
    if rare(_NEEDLES, folded):
        for needles, pattern in _ONLY:
            if holds(needles, folded):
                text = pattern.sub(lambda m: _swap(m, masker, _real(m["v"])), text)
    return text


_NEEDLES = tuple(sorted({needle for needles, _ in _ONLY for needle in needles}))


@cache
def _automaton(needles: tuple[str, ...]) -> Any:
    import re2  # looks for all of them at once, in a twentieth of the time

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile("|".join(map(re.escape, needles)).encode(), options=options)


def rare(needles: tuple[str, ...], folded: str) -> bool:
    """True when one of many needles, which few texts hold, occurs in `folded`."""
    return _automaton(needles).search(folded.encode("utf-8", "surrogatepass")) is not None


def _swap(match: re.Match[str], masker: Masker, yes: bool) -> str:
    if not yes:
        return match[0]
    value = _bare(match["v"])
    at = match.start("v") - match.start()
    return f"{match[0][:at]}{masker.mask('secret:password', value)}{match[0][at + len(value) :]}"


def _bare(value: str) -> str:
    return value.rstrip(".,;:?)|]}*")


def _real(value: str) -> bool:
    return not (
        is_placeholder(value)
        or is_reference(value)
        or value.startswith(("$", "{", "-", "<"))
        or _SPEAKS.match(value)
    )


_SPEAKS = re.compile(
    r"(?:token|auth|bearer|user|step|api|oauth|google)[-_]?(?:[a-z]{2,10}[-_]?){0,3}\d?\Z", re.IGNORECASE
)


def _made(value: str) -> bool:
    """Whether a value looks as generators make credentials."""
    return (
        len(value) >= 12
        and _real(value)
        and not value.startswith(("/", ".", "~", "#", "@"))
        and "://" not in value
        and not any(c in value for c in "(){}[]|")
        and value.count("/") <= max(2, len(value) // 12)
        and (
            looks_random(value)
            or (len(value) >= 16 and _PLUS.fullmatch(value) is not None)
            or _HEX.fullmatch(value) is not None
        )
    )


def _answer(value: str) -> bool:
    return _made(value) or (value.count("-") >= 3 and _PHRASE.fullmatch(value) is not None)


def _base64(value: str) -> bool:
    """Whether a value is base64 of what is no text: a path has no capitals and digits all over."""
    return (
        len(value) >= 40
        and _BASE64.fullmatch(value) is not None
        and value.count("/") <= len(value) // 8
        and min(sum(map(str.isdigit, value)), sum(map(str.isupper, value)), sum(map(str.islower, value))) >= 3
    )


_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,512}={0,2}")
_CLUSTER = re.compile(r"(?i)[^aeiouy\d]{5}")
_PLUS = re.compile(r"(?=[a-z0-9+_/-]*[A-Z])(?=[A-Z0-9+_/-]*[a-z])[A-Za-z0-9_/-]+(?:\+[A-Za-z0-9_/-]+)+")
_HEX = re.compile(r"(?:0x)?[0-9a-f]{32,128}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_PHRASE = re.compile(r"[a-z]{3,12}(?:[-_. ][a-z0-9]{2,12}){1,7}")


def named(name: str, value: str) -> bool:
    """Whether `value` is a credential, given that a thing of this name holds it."""
    kind = name_kind(name.rstrip(".-"))
    value = _bare(value)
    if kind is None or value.count("=") > 3:
        return False
    if _base64(value):
        return True
    if not _real(value):
        return False
    if any(c in value for c in "(){}[]"):
        return False
    if any(c.isspace() for c in value):
        return is_secret(kind, value, quoted=True)
    if _made(value):
        return True
    digits = sum(c.isdigit() for c in value)
    letters = sum(c.isalpha() for c in value)
    if kind in ("password", "passphrase"):
        return digits > 0 and letters > 0
    if kind == "secret" and _PHRASE.fullmatch(value):
        return is_secret(kind, value, quoted=True)
    if len(value) >= 20 and value.isalnum() and value.isupper() and not _runs_of_words(value):
        return True
    if len(value) >= 16 and value.isalnum() and value != value.lower() and _CLUSTER.search(value):
        return True
    return digits > 0 and letters > 1 and is_secret(kind, value, quoted=True)


def _runs_of_words(value: str) -> bool:
    return sum(c in "AEIOU" for c in value) > 0.34 * len(value)
