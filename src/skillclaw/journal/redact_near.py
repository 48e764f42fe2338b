"""Credentials near the words that name them: in sentences, in pairs of name and value, in what a command prints.

A word alone proves little, so the value must look like one that a machine made, or stand where only a
password can.
"""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import re
from collections.abc import Callable

from skillclaw.journal.redact_assign import (
    NameKind,
    is_placeholder,
    is_reference,
    is_secret,
    looks_random,
    name_kind,
)
from skillclaw.journal.redact_linked import BEGIN, linked, linked_value, mask_linked, rare
from skillclaw.journal.redact_text import HOLE, Masker, holds

__all__ = ["mask_near"]

_Q = r"\\{0,15}[\"'`]"
_LINE = r"(?:\\{1,8}r)?(?:\\{1,8}n|\r?\n)"
_END = rf"[^\s\"'`<>{HOLE}\\]"

# 1. A word for a credential, and on the same line a value that looks made.
_WORD = re.compile(
    r"(?i)(?P<word>keys?|tokens?|secrets?|credentials?|passw(?:or)?ds?|passphrase|kennwort|passwort|schlüssel|clave|contraseña|clé|chave|chiave|sleutel|nyckel|nøgle|klucz|avain|anahtar|ключ|токен|секрет|密钥|密匙|令牌|口令|密码|キー|トークン|키|토큰)"
    rf"(?![a-z])(?P<gap>[^\n{HOLE}]{{1,64}}?)(?P<v>(?<![A-Za-z0-9_/+.-])[A-Za-z0-9_/+.:~-]{{16,200}}+={{0,2}})(?![A-Za-z0-9_/+-])"
)
_NO_OWNER = frozenset(
    ["cache","websocket", "primary", "foreign", "partition", "sort", "public", "object", "idempotency", "idempotence", "dedup", "lookup", "hash", "map", "dict", "index", "row", "group", "routing", "shard", "unique", "composite", "natural", "sorting", "record", "storage", "s3", "blob", "json", "page", "next", "continuation", "cursor", "sync", "state", "csrf", "cancellation", "arrow", "enter", "tab", "shift", "ctrl", "alt", "escape", "hot", "translation", "i18n", "message", "config"]
)  # fmt: skip
_GAP_NOT = re.compile(
    r"(?i)\b(?:ids?|hash(?:es|ed)?|sha\d*|commit|digest|checksum|md5|fingerprint|uuid|guid|version|names?|file|path|url|uri|etag|revision|branch|image|thumbprint|public|expires?|issued|limit|count|used|total|for user|in|at)\b\W*\Z|https?:|sha256:|sha512-"
)
_HEX = re.compile(r"(?:0x)?[0-9a-f]{32,128}|(?:0x)?[0-9A-F]{32,128}")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_GROUPS = re.compile(r"[A-Z0-9]{4,8}(?:-[A-Z0-9]{4,8}){2,9}")


def _made(value: str) -> bool:
    """Whether a value looks as generators make credentials."""
    if _HEX.fullmatch(value) or _UUID.fullmatch(value):
        return True
    if _GROUPS.fullmatch(value):
        return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    if (
        value.startswith(("/", ".", "-", "~"))
        and value.count("/") > 1
        and "=" not in value
        and len(value) < 40
    ):
        return False
    if value.count("/") > 3 and len(value) < 60:
        return False
    return looks_random(value) and not is_reference(value)


_OWNER = re.compile(r"([A-Za-z0-9]{0,24})[ _-]?\Z")
_WORDS = ("key", "token", "secret", "credential", "passw", "passphrase", "kennwort", "schlüssel", "clave", "contraseña", "密钥", "令牌", "口令", "密码", "キー", "トークン", "clé", "chave", "chiave", "sleutel", "nyckel", "nøgle", "klucz", "avain", "anahtar", "ключ", "токен", "секрет", "密匙", "키", "토큰")  # fmt: skip


def _near_words(text: str, folded: str, masker: Masker) -> str:
    """The text with values masked that look made and stand behind a word for a credential."""
    hits: list[int] = []
    for word in _WORDS:
        at = folded.find(word)
        while at >= 0:
            hits.append(at)
            at = folded.find(word, at + 1)
    parts: list[str] = []
    done = 0
    for hit in sorted(hits):
        match = _WORD.match(text, hit) if hit >= done else None
        if match is None:
            continue
        owner = _OWNER.search(text, max(0, hit - 26), hit)
        # `monkey` names nothing, `apikey` does.
        joined = owner is not None and bool(owner[1]) and owner.end() == owner.end(1)
        if (
            owner
            and joined
            and text[hit - 1 : hit + 1].islower()
            and name_kind(owner[1] + match["word"].rstrip("s")) is None
        ):
            continue
        size = _near(match, owner[1].lower() if owner else "")
        if size:
            start = match.start("v")
            parts += [text[done:start], masker.mask("secret:value", text[start : start + size])]
            done = start + size
    return "".join([*parts, text[done:]]) if parts else text


def _near(match: re.Match[str], owner: str) -> int:
    """How many characters of the value are a credential."""
    value = match["v"].rstrip(".:-") if not match["v"].endswith("=") else match["v"]
    gap = match["gap"]
    if (
        len(value) < 16
        or (value.count("/") and value[0] == "/" and len(value) < 60)
        or owner in _NO_OWNER
        or (gap.endswith("@") and ":" in value)
        or value.lower().startswith(("sha256-", "sha384-", "sha512-"))
        or _GAP_NOT.search(gap)
        or is_placeholder(value)
        or not _made(value)
    ):
        return 0
    return len(value)


# 2. A name, a link, a value: `'#password', 'x'`; `name: DB_PASSWORD` and on the next line `value: x`.
_PAIR = re.compile(
    rf"(?:"
    rf"{_Q}\)?\s{{0,3}},\s{{0,3}}(?={_Q})"
    rf"|{_Q}?[,;]?\s{{0,3}}{_LINE}[^\n\"'={HOLE}]{{0,80}}?\b(?i:value)(?:{_Q})?\s{{0,3}}[:=]\s{{0,3}}"
    rf"|{_Q}[^<>\n{HOLE}]{{0,40}}?\b(?i:value|content|data)\s?=\s?(?={_Q})"
    rf"|{_Q}?\s{{0,2}}:\s{{1,3}}[|>][+-]?\d?[ \t]{{0,3}}{_LINE}[ \t]{{1,40}}"
    r"|\s{0,8}\|\s{0,8}"
    r"|\s{1,2}(?:set )?(?:to|as|is|=>|->)\s{1,2}"
    r"|\s{0,2}(?:是|为|は|→)\s{0,2}"
    rf")(?:(?P<q>{_Q})(?P<quoted>(?:(?!(?P=q))[^\n\r<>{HOLE}]){{4,512}}+)(?=(?P=q))|(?P<bare>{_END}{{4,512}}+))"
)


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{2,60}+")


def _at_names(text: str, folded: str, masker: Masker) -> str:
    """The text with the values masked that are linked to a name which says secret."""
    parts: list[str] = []
    done = 0
    links = linked(folded)
    for name in _NAME.finditer(text):
        kind = name_kind(name[0].rstrip(".-")) if name.start() >= done else None
        if kind is None:
            continue
        match = _PAIR.match(text, name.end())
        place = _pair(kind, match) if match is not None else None
        if place is None:
            match = _LOOSE.match(text, name.end())
            place = _loose(kind, match) if match is not None else None
        if place is None:
            place = linked_value(name[0], text, name.end(), links)
        if place is not None:
            parts += [text[done : place[0]], masker.mask("secret:password", text[place[0] : place[1]])]
            done = place[1]
    return "".join([*parts, text[done:]]) if parts else text


def _pair(kind: NameKind, match: re.Match[str]) -> tuple[int, int] | None:
    group = "quoted" if match["quoted"] is not None else "bare"
    value = match[group]
    if group == "bare":
        value = value.rstrip(".,;:!?)")
    if len(value) < 4:
        return None
    link = match[0][: match.start(group) - match.start()]
    said = group == "bare" and "alue" not in link
    if not is_secret(kind, value, quoted=group == "quoted", environment="alue" in link):
        return None
    if said and not (any(c.isdigit() for c in value) and any(c.isalpha() for c in value)):
        return None
    return match.start(group), match.start(group) + len(value)


# The same with links that prove less, so that the value must mix letters with digits.
_LOOSE = re.compile(
    rf"(?:"
    rf"(?:{_Q})?\*{{0,2}}(?:{_Q})?\s{{0,3}}[|;,\t:=]\s{{0,3}}\*{{0,2}}\s?(?:[\[(]\s?)?(?:{_Q}){{0,3}}"
    rf"|\*{{0,2}}\s?[:=]\*{{0,2}}\s{{1,2}}(?:{_Q}){{0,3}}"
    rf"|(?:{_Q}(?: type=\w+)?)?>|</\w{{1,12}}>(?:\s|{_LINE}|\\t){{0,4}}<\w{{1,12}}>"
    rf"|[^\n\"'`=<>{HOLE}]{{0,32}}?(?:<<<|\|\||\?\?|--?(?:body|value|b|v|data)|=|\(|\[|:)\s{{0,2}}(?:\[\s?)?(?:{_Q}){{1,3}}"
    rf"|(?:{_Q})?[,;]\s{{0,2}}(?:{_Q})?(?i:value)(?:{_Q})?\s{{0,2}}[:=]\s{{0,2}}(?:{_Q})?"
    rf"|(?:{_Q})?\s?[:{{]?\s{{0,2}}[|>]?-?\s{{0,2}}{_LINE}[ \t]{{0,12}}(?:- )?(?:default\s?=\s?)?(?:{_Q})?"
    rf"|\s{{1,2}}(?:{_Q})?|\s?[\[(]|(?:\s[a-z]{{2,10}}){{1,3}}\s(?:to|as|is)\s"
    rf")(?P<v>{_END}{{6,128}}+)"
)
_BEFORE = re.compile(
    rf"(?P<v>(?<![A-Za-z0-9_/+.-])[A-Za-z0-9_/+.!@#$%^&*~-]{{8,200}}+={{0,2}})(?:{_Q}|[)])?[,]?\s(?:\(?(?:the|our|my|as|is|was|for)\b[^\n{HOLE}]{{0,24}}?|(?i:where)\s\w{{1,20}}\s?=\s?|(?:{_Q})(?:name|key)(?:{_Q}):\s?){_Q}?(?P<name>[A-Za-z][A-Za-z0-9_.-]{{2,60}})"
)


def _loose(kind: NameKind, match: re.Match[str]) -> tuple[int, int] | None:
    value = _trimmed(match["v"])
    return (match.start("v"), match.start("v") + len(value)) if _strong(kind, value) else None


def _trimmed(value: str) -> str:
    """Without what ends a sentence, a list or a call; an exclamation mark may belong to a password."""
    return value.rstrip(".,;:?)|]}*") if value[-1:] in ".,;:?)|]}*" else value


def _before(match: re.Match[str], masker: Masker) -> str:
    value = _trimmed(match["v"])
    kind = name_kind(match["name"].rstrip("."))
    if kind is None or not _strong(kind, value):
        return match[0]
    at = match.start("v") - match.start()
    return match[0][:at] + masker.mask("secret:password", value) + match[0][at + len(value) :]


def _strong(kind: str, value: str) -> bool:
    """Whether a value near a name is a credential though the link between them proves little."""
    if (
        is_placeholder(value)
        or is_reference(value)
        or _NOT_SAID.match(value)
        or any(c in value for c in "(){}[]=,;")
    ):
        return False
    if kind not in ("password", "passphrase"):
        return len(value) >= 16 and _made(value)
    digits = sum(c.isdigit() for c in value)
    letters = sum(c.isalpha() for c in value)
    if len(value) < 6 or not digits or not letters or value.startswith(("/", "-", "./", "@", "<", "#")):
        return False
    return digits + letters < len(value) or digits >= 2


# 3. Sentences about a password.
_SAID = re.compile(
    r"(?i:(?:password|passwd|passphrase|passcode|passwort|kennwort|contraseña|senha|mot de passe|wachtwoord|lösenord|hasło|пароль|парола|лозинка|geslo|lozinka|şifre|parola|heslo|jelszó|salasana|adgangskode|passord|mật khẩu|kata sandi|κωδικός|ｐａｓｓｗｏｒｄ)\b(?:[ \t][\w'’-]{1,20}){0,5}?"
    r"|(?:密码|密碼|口令|パスワード|비밀번호|암호|รหัสผ่าน|كلمة (?:المرور|السر)|گذرواژه|رمز عبور|पासवर्ड|סיסמ[הא])[^\n:：是为は]{0,12}?)"
    rf"(?:\s{{0,2}}[:：=]\s{{0,2}}|[ \t](?:is|was|ist|lautet|est|es|é|is now|is set to|set to|to|är|è|to be)[: ]\s?|\s(?:—|–|-)\s|\s?(?:是|为|為|は|는|은|:|：|=)\s?)"
    rf"(?:{_Q}|[“「])?(?P<v>{_END}{{6,128}}+)"
)
_NOT_SAID = re.compile(
    r"(?i)^(?:sha\d|md5|base\d\d|utf|bcrypt|argon|scrypt|pbkdf|aes|rsa|http|[a-z]+://|v\d|\d+[a-z]{0,10}$|\d+[-–]\d+|[a-z]+\()"
)
_SEED = re.compile(
    r"(?i:(?:seed|recovery|mnemonic|backup|secret)[ _-]?(?:phrase|words?|mnemonic)|mnemonic)[^\n]{0,30}?[:=][ ]{0,3}[\"'`]?(?P<v>(?:[a-z]{3,8}[ ,]{1,2}){11,23}[a-z]{3,8})(?![a-z])"
)
_SEED_IS = re.compile(
    r"(?i:(?:seed|recovery|mnemonic|backup|secret)[ _-]?(?:phrase|words?|mnemonic)|mnemonic|助记词)[^\n]{0,12}?(?: is| are|是)[: ]{0,3}[\"'`]?(?P<v>(?:[a-z]{3,8}[ ,]{1,2}){11,23}[a-z]{3,8})(?![a-z])"
)
_APP_PASSWORD = re.compile(
    r"(?i:passw(?:or)?d|passwort|app[ _-]pass\w*)[^\n]{0,24}?(?<![a-z])(?P<v>[a-z]{4}(?:[ +][a-z]{4}){3})(?![a-z ])(?! [a-z]{1,3}\b)"
)
_APP_QUOTED = re.compile(
    rf"(?i:passw(?:or)?d|pass)[^\n]{{0,16}}?(?:{_Q}|[:=])(?P<v>[a-z]{{4}}(?: [a-z]{{4}}){{3}})(?![a-z])"
)
_CODES = re.compile(r"(?i)(?:recovery|backup|scratch|one[- ]time|2fa|mfa|emergency)[ _-]codes?\b")
_CODE = re.compile(
    r"(?<![\w-])(?=[a-zA-Z-]{0,24}\d)[a-z0-9]{4,8}(?:-[a-z0-9]{4,8}){1,4}(?![\w-])|(?<![\w-])(?=[A-Z-]{0,24}\d)[A-Z0-9]{4,8}(?:-[A-Z0-9]{4,8}){1,4}(?![\w-])|(?<![\w.-])\d{8}(?![\w.-])"
)


def _said(match: re.Match[str], masker: Masker) -> str:
    value = match["v"].rstrip(".,;:!?)，。")
    bare = (
        len(value) < 6
        or is_placeholder(value)
        or is_reference(value)
        or _NOT_SAID.match(value)
        or value.startswith(("-", "[", "(", "{"))
        or any(c in value for c in "(){}[]")
    )
    words = value.split("-")
    if bare or not (
        (any(c.isdigit() for c in value) and any(c.isalpha() for c in value))
        or (len(words) >= 3 and all(3 <= len(word) <= 12 and word.isalpha() for word in words))
    ):
        return match[0]
    at = match.start("v") - match.start()
    return match[0][:at] + masker.mask("secret:password", value) + match[0][at + len(value) :]


def _codes(text: str, masker: Masker) -> str:
    parts: list[str] = []
    done = at = 0
    for word in _CODES.finditer(text):
        if word.end() < at:
            continue  # those behind an earlier word were read up to here, and there are no more
        at = word.end()
        while (code := _CODE.search(text, at, at + 90)) is not None:
            if code.start() >= done:
                parts += [text[done : code.start()], masker.mask("secret:recovery-code", code[0])]
                done = code.end()
            at = code.end()
    return "".join([*parts, text[done:]]) if parts else text


# 4. What commands print or take.
_PRINTS = re.compile(
    r"(?:kubectl(?: -n \S+)? get secret|vault (?:kv get|read)|secretsmanager get-secret-value|ssm get-parameter|gcloud secrets versions access|\bop read|\bpass show|find-generic-password|keyvault secret show|gh auth token|gcloud auth print-|(?:echo|printenv|printf)[^\n]{0,20}?(?i:token|secret|passw|api_?key))"
    rf"[^\n]{{0,200}}?{_LINE}(?:[ \t+|-]|\d{{1,6}}[\t:|]){{0,12}}(?P<v>{_END}{{8,4096}}+)(?=\s|\\|\"|'|`|\Z)"
)
_TAKES: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (needles, re.compile(pattern.replace("\\b", BEGIN)))
    for needles, pattern in (
        (("sqlcmd", "bcp ", "osql"), rf"\b(?:sqlcmd|bcp|osql)\b[^\n|]{{0,200}}?\s-P\s{{0,2}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("ldap",), rf"\bldap\w{{3,12}}\b[^\n|]{{0,300}}?\s-w\s{{0,2}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("requirepass", "masterauth"), rf"\b(?:requirepass|masterauth)\s{{1,4}}(?:{_Q})?(?P<v>{_END}{{4,256}}+)"),
        (("psk",), rf"(?i)\b(?:wpa_?)?psk(?:{_Q})?\s{{0,2}}[=:]\s{{0,2}}(?:{_Q})?(?P<v>{_END}{{8,64}}+)"),
        (("smbclient", "mount", "cifs", "net use"), rf"\b(?:smbclient|mount|net use)\b[^\n]{{0,200}}?(?:password=|-U\s?[\w.\\/-]{{1,64}}%)(?P<v>[^\s,\"'{HOLE}]{{4,128}}+)"),
        (("ftp", "lftp"), rf"\b(?:lftp|ncftp\w*)\b[^\n]{{0,100}}?\s-u\s{{1,2}}[\w.-]{{1,64}},(?P<v>{_END}{{4,128}}+)"),
        (("user id=", "uid=", "server=", "data source=", "host="), rf"(?i)(?:password|pwd)\s?=\s?(?P<v>[^;\s\"'{HOLE}\\]{{4,256}}+)(?=;|\s|\\|\"|'|\Z)"),
        (("sshpass", "pgpassword", "mysql_pwd", "ldappass", "redisauth"), rf"(?i)\b(?:sshpass|pgpassword|mysql_pwd|ldappass|redisauth)=(?:{_Q})?(?P<v>[^\s;\"'{HOLE}\\]{{4,128}}+)"),
        (("nmcli", "wifi"), rf"\bnmcli\b[^\n]{{0,120}}?\bpassword\s{{1,3}}(?:{_Q})?(?P<v>{_END}{{8,64}}+)"),
        ((":543", ":6432", ":*:"), rf"(?:(?<=\s)|(?<=\\n)|(?<=[+-]))[\w.*-]{{1,100}}:(?:543\d|6432|\*):[\w.*-]{{1,64}}:[\w.*-]{{1,64}}:(?P<v>[^\s:\"'{HOLE}\\]{{4,128}}+)"),
        (("env ", "arg "), rf"\b(?:ENV|ARG)[ \t]{{1,3}}\w{{0,60}}(?:PASSWORD|PASSWD|PASS|PWD|SECRET|TOKEN|API_?KEY|SECRET_KEY|PRIVATE_KEY)[ \t]{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,512}}+)"),
        (("echo", "printf"), rf"\b(?:echo|printf)[ \t]{{1,3}}(?:-\w{{1,3}}[ \t]{{1,3}})?(?:{_Q}%s(?:\\{{1,8}}n)?{_Q}[ \t]{{1,3}})?(?:{_Q})?(?P<v>{_END}{{4,256}}+)(?:{_Q})?[ \t]{{0,3}}\|[ \t]{{0,3}}(?:sudo[ \t][^\n|]{{0,40}}?-S\b|(?:sudo[ \t]{{1,3}})?(?:passwd|kinit|cryptsetup)\b|[^\n|]{{1,200}}?(?:--password-stdin|--with-token|--stdin))"),
        (("securestring",), rf"(?i)\bConvertTo-SecureString[ \t]{{1,3}}(?:-String[ \t]{{1,3}})?{_Q}(?P<v>[^\n\"'`{HOLE}\\]{{4,256}}+)(?={_Q})"),
        (("mongo", "cypher-shell", "neo4j", "mosquitto", "ipmitool", "clickhouse"), rf"\b(?:mongo\w{{0,8}}|cypher-shell|neo4j-\w{{1,10}}|mosquitto_\w{{3}}|ipmitool|clickhouse-client)\b[^\n|;]{{0,200}}?\s-[pP][ \t]{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("7z", "rar ", "7za"), rf"\b(?:7za?|(?:un)?rar)\b[^\n|;]{{0,200}}?\s-p(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("openssl",), rf"\bopenssl\b[^\n|;]{{0,200}}?\s-[kK][ \t]{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)"),
        (("net user",), rf"(?i)\bnet1? user[ \t]{{1,3}}[\w.-]{{1,40}}[ \t]{{1,3}}(?P<v>[^\s/*\"'{HOLE}\\]{{4,128}}+)"),
        (("net use ",), rf"(?i)\bnet1? use[ \t][^\n]{{0,120}}?\\[\w$.-]{{1,40}}[ \t]{{1,3}}(?P<v>[^\s/*\"'{HOLE}\\]{{4,128}}+)"),
        (("sqlplus", "impdp", "expdp", "sqlldr", "rman"), rf"\b(?:sqlplus|impdp|expdp|sqlldr|rman)\b[^\n|;/@]{{0,60}}?[\s\"'][\w$#]{{1,40}}/(?P<v>[^\s@/\"'{HOLE}\\]{{4,128}}+)(?=@|\s|[\"']|\Z)"),
        (("htpasswd",), rf"\bhtpasswd[ \t]{{1,3}}(?:-\w{{1,6}}[ \t]{{1,3}}){{1,4}}(?:[^\s\"'-][^\s\"']{{0,100}}[ \t]{{1,3}}){{1,2}}(?:{_Q})?(?P<v>{_END}{{4,128}}+)(?=[\"'`\\]|[ \t]{{0,3}}(?:$|[|;&\n]))"),
        (("useradd", "usermod"), rf"\buser(?:add|mod)\b[^\n|;]{{0,100}}?\s-p[ \t]{{1,3}}(?:{_Q})?(?P<v>{_END}{{4,256}}+)"),
        (("auth plain", "auth login", "authenticate plain"), r"(?i)\bauth(?:enticate)? (?:plain|login)\s{1,3}(?P<v>[A-Za-z0-9+/]{8,512}+={0,2})"),
        (("user ",), rf"(?m:^[ \t]{{0,4}}(?:[<>*] )?USER[ \t]\S{{1,80}}\r?\n(?:[^\n]{{0,120}}\n)?[ \t]{{0,4}}(?:[<>*] )?PASS[ \t](?P<v>{_END}{{4,128}}+))"),
        (("auth",), rf"\bauth\s?=\s?(?:HTTPBasicAuth|aiohttp\.BasicAuth|BasicAuth)?\([ \t]?{_Q}[^\"'\n\\{HOLE}]{{1,80}}{_Q},\s?{_Q}(?P<v>[^\"'\n\\{HOLE}]{{4,128}}+)(?={_Q})"),
        (("phpsessid", "jsessionid", "asp.net_sessionid", "connect.sid", "laravel_session"), rf"(?:PHPSESSID|JSESSIONID|ASP\.NET_SessionId|connect\.sid|laravel_session)(?:=|{_Q}\s?[:,]\s?{_Q})(?P<v>[A-Za-z0-9._%+/=~:-]{{16,1024}}+)"),
        (("\ttrue\t", "\tfalse\t"), rf"\t(?:TRUE|FALSE)\t/[^\t\n]{{0,200}}\t(?:TRUE|FALSE)\t\d{{1,12}}\t[^\t\n]{{1,100}}\t(?P<v>{_END}{{8,4096}}+)"),
        (("x-oauth-basic",), r"://(?P<v>[A-Za-z0-9_-]{16,256}+):x-oauth-basic@"),
        (("sess", "sid=", "xsrf", "csrf", "remember_"), r"(?i)\b(?:[a-z_.-]{0,20}sess(?:ion)?_?(?:id|key)?|sid|connect\.sid|[a-z_-]{0,12}(?:csrf|xsrf)[a-z_-]{0,12}|remember_\w{2,20})=(?P<v>(?=[A-Za-z_%.+/-]{0,24}[0-9])[A-Za-z0-9_%.+/-]{16,1024}+=*)"),
        (("kty",), rf"(?:{_Q})(?:d|p|q|dp|dq|qi|k)(?:{_Q})\s{{0,2}}:\s{{0,2}}(?:{_Q})(?P<v>[A-Za-z0-9_-]{{16,1024}}+)"),
        (("chpasswd", "root:"), rf"\broot:(?P<v>[^\s\"':{HOLE}*!/]{{6,128}}+)(?=[\"']?\s?\|)"),
    )
)  # fmt: skip


def _taken(match: re.Match[str], masker: Masker) -> str:
    value = match["v"]
    if is_placeholder(value) or is_reference(value) or value.startswith(("$", "{", "-")):
        return match[0]
    at = match.start("v") - match.start()
    return match[0][:at] + masker.mask("secret:password", value) + match[0][at + len(value) :]


def _printed(match: re.Match[str], masker: Masker) -> str:
    value = match["v"]
    if not (looks_random(value) or value.endswith("=") or _made(value)):
        return match[0]
    return _taken(match, masker)


_RULES: tuple[tuple[tuple[str, ...], re.Pattern[str], Callable[[re.Match[str], Masker], str]], ...] = (
    (("passw", "kennwort", "contraseña", "senha", "mot de passe", "wachtwoord", "lösenord", "hasło", "пароль", "парола", "лозинка", "geslo", "lozinka", "şifre", "parola", "heslo", "jelszó", "salasana", "adgangskode", "passord", "mật khẩu", "kata sandi", "κωδικός", "ｐａｓｓｗｏｒｄ", "密码", "密碼", "口令", "パスワード", "비밀번호", "암호", "รหัสผ่าน", "كلمة", "گذرواژه", "رمز", "पासवर्ड", "סיסמ", "passphrase", "passcode"), _SAID, _said),
    (("key", "token", "secret", "pass", "pwd", "cred"), _BEFORE, _before),
    (("seed", "mnemonic", "phrase", "recovery"), _SEED, _taken),
    (("seed", "mnemonic", "phrase", "recovery", "助记词"), _SEED_IS, _taken),
    (("passw", "app pass"), _APP_PASSWORD, _taken),
    (("pass",), _APP_QUOTED, _taken),
    (("secret", "vault", "ssm", "op read", "pass show", "find-generic", "auth token", "auth print", "echo", "printenv", "printf"), _PRINTS, _printed),
)  # fmt: skip


_NAMES = (
    "key",
    "token",
    "secret",
    "pass",
    "pwd",
    "auth",
    "cred",
    "jwt",
    "psk",
    "_pat",
    "-pat",
    "spat",
    "kennwort",
)


_OFTEN = ("user ", "sess")
"""The first needles of those that are in many texts."""
_RARE = tuple(sorted({needle for needles, _ in _TAKES if needles[0] not in _OFTEN for needle in needles}))


def mask_near(text: str, folded: str, masker: Masker) -> str:
    """The text with credentials masked that words nearby tell. `folded`: the text in lower case, in place."""
    text = _near_words(text, folded, masker)
    text = mask_linked(text, folded, masker)
    if holds(_NAMES, folded):
        text = _at_names(text, folded, masker)
    for needles, pattern, replace in _RULES:
        if rare(needles, folded) if len(needles) > 6 else holds(needles, folded):
            text = pattern.sub(lambda m, replace=replace: replace(m, masker), text)  # type: ignore[misc]
    some = rare(_RARE, folded)
    for needles, pattern in _TAKES:
        if (some or needles[0] in _OFTEN) and holds(needles, folded):
            text = pattern.sub(lambda m: _taken(m, masker), text)
    return _codes(text, masker) if "code" in folded else text
