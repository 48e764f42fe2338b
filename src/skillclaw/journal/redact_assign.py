"""Credentials that can be told by their name: `DB_PASSWORD=...`, `"api_key": "..."`, `--token ...`.

The name stays, the value is masked, where it is a real one (`redact_judge`).
"""

# ruff: noqa: E501  (one rule a line reads best)

from __future__ import annotations

import re

from skillclaw.journal.redact_judge import (
    NameKind,
    is_path_of_names,
    is_placeholder,
    is_reference,
    is_secret,
    is_wordy,
    name_kind,
)
from skillclaw.journal.redact_text import HOLE, Masker, holds, to_quote

__all__ = ["mask_assignments"]

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
_PARTS = re.compile(
    rf"(?:[,;|](?![A-Za-z_.-]{{1,40}}\s?[=:])(?=[^\s,;|&]{{0,63}}[\d!#%*+.?@^_~-])[^\s\"'`<>(){{}}\[\]&,;|{HOLE}\\]{{1,64}})+"
)
"""More of a password behind a comma or the like: no name of the next setting."""
_TO_SEMICOLON = re.compile(rf"[,&|()\[\]{{}}][^\s\"'`<>;{HOLE}\\]{{1,64}}(?=;)")
_FLAG = re.compile(
    r"(?<![\w-])--?(?P<name>[A-Za-z0-9-]{0,24}?(?i:password|passwd|passphrase|pass|pwd|token|secret|key))\s{1,4}"
    rf"(?:(?P<q>[\"'])(?P<quoted>[^\"'\n{HOLE}]{{1,512}}+)|(?P<bare>{_VALUE}{{1,512}}+))"
)
_PROSE = re.compile(
    r"(?i:\b(?:password|passwd|passphrase|pwd|passcode|token|secret|api[ -]?key|secret[ -]key)s?\b|密码|口令|密钥|令牌|私钥)"
    r"(?:\s{0,3}(?:is|was|are|为|是|：|:|=|=>|->)\s{0,3}|\s{1,3})(?:\\{0,31}[\"'`“「])?"
    rf"(?P<v>(?:[^\s\"'`“”「」<>,;，。；、{HOLE}\\\u4e00-\u9fff]|[,;](?=[^\s\"'`<>,;{HOLE}\\\u4e00-\u9fff])){{6,128}}+)"
)
_PROSE_QUOTED = re.compile(
    r"(?i:\b(?:password|passwd|passphrase|pwd|passcode|passwort|kennwort)\b)[^\n\"'`]{0,24}?\s"
    rf"(?P<q>\\{{0,15}}[\"'`])(?P<v>[^\s\"'`{HOLE}\\]{{6,128}}+)(?=(?P=q))"
)
_SECRET_QUOTED = re.compile(
    r"(?i:\b(?:secret|token|api[ -]?key)\b)[^\n\"'`]{0,32}?\s(?:is|as|to|was|=|:)\s{0,2}"
    rf"(?P<q>\\{{0,15}}[\"'`])(?P<v>[^\s\"'`{HOLE}\\]{{8,256}}+)(?=(?P=q))"
)
_LT, _GT = r"(?:<|&lt;|\\{1,15}u003[cC])", r"(?:>|&gt;|\\{1,15}u003[eE])"
_ELEMENT = re.compile(
    rf"{_LT}(?P<name>[A-Za-z][\w:.-]{{0,60}}){_GT}(?P<v>(?:(?!{_LT})[^<>\n{HOLE}]){{4,512}}+){_LT}(?:\\{{1,15}})?/(?P=name)"
)
_COMMANDS = tuple(
    (needles, re.compile(pattern))
    for needles, pattern in (
        (("mysql",), rf"\bmysql(?:dump|admin|import)?\b[^\n|;&]{{0,200}}?\s-p[\"']?(?P<v>[^\s\"'{HOLE}-]{_VALUE}{{2,128}})"),
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
        text = _PROSE_QUOTED.sub(lambda m: _swap(m, masker, _prose_value(m["v"])), text)
        text = _SECRET_QUOTED.sub(lambda m: _swap(m, masker, _prose_value(m["v"])), text)
        text = _PROSE.sub(lambda m: _swap(m, masker, _prose_value(m["v"])), text)
        if "</" in text or "&lt;" in text or "u003" in text:
            text = _ELEMENT.sub(lambda m: _swap(m, masker, _is_element(m["name"], m["v"])), text)
    for needles, pattern in _COMMANDS:
        if holds(needles, folded):
            text = _command(pattern, text, masker)
    return text


def _command(pattern: re.Pattern[str], text: str, masker: Masker) -> str:
    parts: list[str] = []
    done = 0
    for match in pattern.finditer(text):
        value = match["v"]
        if match.start("v") < done or value[0] == "|" or is_placeholder(value) or is_reference(value):
            continue
        stop = to_quote(text, *match.span("v"))
        parts += [
            text[done : match.start("v")],
            masker.mask("secret:password", text[match.start("v") : stop]),
        ]
        done = stop
    return "".join([*parts, text[done:]]) if parts else text


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
        if before and before[0][:1] in ("n", "r", "t") and text[before.start() - 1 : before.start()] == "\\":
            name = name[1:]  # the letter of an escape
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
        if value[:1] == " ":
            return start, start  # the quotation mark closed what stood before it
        # A shell's variable holds no sentence.
        given = kind == "password" and name.isupper() and match["sign"] == "=" and " " in value
        if is_secret(kind, value, quoted=True) or (given and 2 <= value.count(" ") + 1 <= 10):
            return start, stop if not is_placeholder(value) and not is_reference(value) else start
        return start, start
    value, sign = found[0], match["sign"].strip()
    if value.endswith(":") and ("\n" in match["sign"] or "@" in value):
        return start, start  # the next key of YAML; whom the password is for
    if sign in ("==", "===", "!=") and value.isalpha():
        return start, start
    environment = match["sign"] == "=" and (name.isupper() or text[max(0, start - len(name) - 2)] in "?&")
    if not environment and sign == ":" and kind == "password":
        environment = _alone_on_line(text, match.start(), stop)
    if not is_secret(kind, value, quoted=False, environment=environment):
        more = _PARTS.match(text, stop) if environment and text[stop : stop + 1] in tuple(",;|") else None
        whole = text[start : more.end()] if more is not None else value
        if more is None or not is_secret(kind, whole, quoted=False, environment=True):
            return start, start
        return start, more.end()
    if kind == "password" and text[stop : stop + 1] in tuple(",;&|"):
        # Symbols of a password that nothing quotes; what ends a command has white space behind it.
        more = (_SYMBOLS if environment and name.isupper() else _PARTS).match(text, stop)
        stop = more.end() if more is not None else stop
    if kind == "password" and sign == "=" and ";" in text[max(0, match.start() - 200) : match.start()]:
        # In a connection string only a semicolon ends a password.
        more = _TO_SEMICOLON.match(text, stop)
        stop = more.end() if more is not None else stop
    rest = _REST.match(text, stop) if stop - start >= _BARE_MAX else None
    return start, rest.end() if rest else stop


_LINE_BEFORE = re.compile(
    r"(?:\A|\n|\\n)(?:[ \t>|+-]|\d{1,6}[→\t:|]|\x1b\[[0-9;]{0,8}[mK])*+(?:- )?[\"']?[A-Za-z0-9_. -]{0,80}\Z"
)
_LINE_AFTER = re.compile(r"[ \t]{0,8}(?:#[^\n]{0,80})?(?:\r?\n|\\{1,8}[rn]|\\{0,15}\"|\Z)")


def _alone_on_line(text: str, start: int, stop: int) -> bool:
    """True for `password: value` as the whole of a line of several, as YAML has it."""
    return (
        ("\n" in text or "\\n" in text)
        and _LINE_BEFORE.search(text, max(0, start - 120), start) is not None
        and _LINE_AFTER.match(text, stop) is not None
    )


def _flag(match: re.Match[str], masker: Masker) -> str:
    name, quoted = match["name"], match["quoted"]
    kind = name_kind(name) or ("key" if name == "key" else None)
    if name == "secret" and match.string.endswith("set ", 0, match.start()):
        return match[0]  # `config set --secret NAME VALUE`
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


_SETTING = re.compile(r"[A-Za-z_.-]+=")


def _prose_value(value: str) -> bool:
    """Prose is full of words: only what mixes letters with digits, and is no code, counts."""
    value = value.rstrip(".!?)")
    if is_placeholder(value) or is_reference(value) or is_path_of_names(value) or is_wordy(value):
        return False
    has_digit = any(c.isdigit() for c in value)
    has_letter = any(c.isalpha() for c in value)
    return has_digit and has_letter and not any(c in "()[]{}:/|" for c in value) and not _SETTING.match(value)


def _is_element(name: str, value: str) -> bool:
    kind = name_kind(name)
    return kind is not None and is_secret(kind, value, quoted=True)
