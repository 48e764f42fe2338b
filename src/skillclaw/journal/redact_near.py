"""Credentials near the words that name them: in sentences, in pairs of name and value, in what a command prints.

A word alone proves little, so the value must look like one that a machine made, or stand where only a
password can.
"""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import re
from collections.abc import Callable

from skillclaw.journal.redact_commands import mask_commands, taken
from skillclaw.journal.redact_judge import (
    NameKind,
    is_path_of_names,
    is_placeholder,
    is_reference,
    is_secret,
    is_speakable,
    looks_random,
    name_kind,
)
from skillclaw.journal.redact_linked import linked, linked_value, mask_linked, rare
from skillclaw.journal.redact_text import HOLE, Masker, holds, to_quote

__all__ = ["mask_near"]

_Q = r"\\{0,15}[\"'`]"
_LINE = r"(?:\\{1,8}r)?(?:\\{1,8}n|\r?\n)"
_END = rf"[^\s\"'`<>{HOLE}\\]"

# 1. A word for a credential, and on the same line a value that looks made.
_WORD = re.compile(
    r"(?i)(?P<word>keys?|tokens?|secrets?|credentials?|passw(?:or)?ds?|passphrase|kennwort|passwort|schlüssel|clave|contraseña|clé|chave|chiave|sleutel|nyckel|nøgle|klucz|avain|anahtar|ключ|токен|секрет|密钥|密匙|令牌|口令|密码|キー|トークン|키|토큰)"
    rf"(?![a-z])(?P<gap>[^\n{HOLE}]{{1,64}}?)(?P<v>(?<![A-Za-z0-9_/+.-])[A-Za-z0-9_/+.:~-]{{16,200}}+={{0,2}})(?![A-Za-z0-9_/+-])"
)
_NO_OWNER = (
    "recv", "evaluated", "exclusivestart", "applicationserver", "cache","websocket", "primary", "foreign", "partition", "sort", "public", "publishable", "site", "verifying", "verification", "pub", "object", "idempotency", "idempotence", "dedup", "lookup", "hash", "map", "dict", "index", "row", "group", "routing", "shard", "unique", "composite", "natural", "sorting", "record", "storage", "s3", "blob", "json", "page", "next", "continuation", "cursor", "sync", "state", "csrf", "cancellation", "arrow", "enter", "tab", "shift", "ctrl", "alt", "escape", "hot", "translation", "i18n", "message", "config",
)  # fmt: skip
_GAP_NOT = re.compile(
    r"(?i)(?:\b|_|(?-i:(?<=[a-z])(?=[A-Z])))(?:ids?|hash(?:es|ed)?|sha\d*|commit|digest|checksum|md5|fingerprint|uuid|guid|version|names?|file|path|url|uri|etag|revision|branch|image|thumbprint|public|expires?|issued|limit|count|used|total|for user|in|at"
    r"|from|see|by|since|until|merged?|picked|reverts?|tag|tree|blob|parent|object|oid|layer|ref|request|trace|span|job|run|task|event|correlation|tenant|message|order|build|container|pod|volume|snapshot|session|transaction|tx|block|nonce|contract|address|identifier|accessor|bump|map|(?:recv|send|edit|list|export|delete|refresh|sign)-keys?)\b\W*\Z"
    r"|https?:|sha256:|sha512-"
)
_KEY_ID = re.compile(r"[0-9A-F]{16}|[0-9A-F]{40}")
"""How OpenPGP names a key."""
_CACHE = re.compile(r"(?i)cache|restore-?\Z|input ?\Z")
_HEX = re.compile(r"(?:0x)?[0-9a-f]{32,128}|(?:0x)?[0-9A-F]{32,128}")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_GROUPS = re.compile(r"[A-Z0-9]{4,8}(?:-[A-Z0-9]{4,8}){2,9}")


def _made(value: str) -> bool:
    """Whether a value looks as generators make credentials."""
    if _HEX.fullmatch(value) or _UUID.fullmatch(value):
        return True
    if is_reference(value) or (is_path_of_names(value) and max(map(len, value.split("."))) < 16):
        return False
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
        if match["word"].lower().startswith("key") and _CACHE.search(text, max(0, hit - 32), hit):
            continue
        size = _near(match, owner[1].lower() if owner else "")
        if size:
            start = match.start("v")
            size = to_quote(text, start, start + size) - start
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
        or owner.endswith(_NO_OWNER)
        or (gap.endswith("@") and ":" in value)
        or value.lower().startswith(("sha256-", "sha384-", "sha512-"))
        or _GAP_NOT.search(gap)
        or (gap in (" ", "s ") and _KEY_ID.fullmatch(value))
        or is_placeholder(value)
        or not _made(value)
    ):
        return 0
    return len(value)


# 2. A name, a link, a value: `'#password', 'x'`; `name: DB_PASSWORD` and on the next line `value: x`.
_PAIR = re.compile(
    rf"(?:"
    rf"{_Q}\)?\s{{0,3}},\s{{0,16}}(?={_Q})"
    rf"|{_Q}\s?,\s{{0,3}}{_Q}(?i:value|text|content|default){_Q}\s?:\s{{0,3}}(?={_Q})"
    rf"|{_Q}?[,;]?\s{{0,3}}{_LINE}[^\n\"'={HOLE}]{{0,80}}?\b(?i:value)(?:{_Q})?\s{{0,3}}[:=]\s{{0,3}}"
    rf"|{_Q}[^<>\n{HOLE}]{{0,40}}?\b(?i:value|content|data)\s?=\s?(?={_Q})"
    rf"|{_Q}?\s{{0,2}}:\s{{1,3}}[|>][+-]?\d?[ \t]{{0,3}}{_LINE}[ \t]{{1,40}}"
    r"|\s{0,8}\|\s{0,8}"
    r"|\)?\s{1,2}(?:set )?(?:to|as|is|ist|est|es|é|è|är|=>|->)\s{1,2}"
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
        said = (
            name[0][1:] if name[0][0] in "nrt" and text[name.start() - 1 : name.start()] == "\\" else name[0]
        )
        kind = name_kind(said.rstrip(".-")) if name.start() >= done else None
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
    rf"(?P<v>(?<![A-Za-z0-9_/+.-])[A-Za-z0-9_/+.!@#$%^&*~-]{{8,200}}+={{0,2}})(?:{_Q}|[)])?[,]?\s(?:\(?(?:the|our|my|as|is|was|for)\b[^\n{HOLE}]{{0,24}}?|(?i:where)\s\w{{1,20}}\s?=\s?|(?:{_Q})(?:name|key)(?:{_Q}):\s?){_Q}?(?P<name>(?<![A-Za-z0-9_.-])(?=[A-Za-z0-9_.-]{{0,56}}(?i:key|token|secret|pass|pwd|cred|psk))[A-Za-z][A-Za-z0-9_.-]{{2,60}})"
)
_COMMITTED = re.compile(
    r"\b(?:committed|set|used|hard-?coded|stored|exported|passed|defined|configured|saved) as\b"
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
    quoted = match[0][len(match["v"]) : len(match["v"]) + 1] in tuple("`\"'") and _COMMITTED.search(match[0])
    if kind is None or not (_strong(kind, value) or (quoted and is_secret(kind, value, quoted=True))):
        return match[0]
    at = match.start("v") - match.start()
    return match[0][:at] + masker.mask("secret:password", value) + match[0][at + len(value) :]


_SETTING = re.compile(r"[A-Za-z_.-]{2,}=")


def _strong(kind: str, value: str) -> bool:
    """Whether a value near a name is a credential though the link between them proves little."""
    if (
        is_placeholder(value)
        or is_reference(value)
        or _NOT_SAID.match(value)
        or any(c in value for c in "(){}[],;")
        or _SETTING.match(value)
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
    r"(?i:(?:password|passwd|passphrase|passcode|passwort|kennwort|contraseña|senha|mot de passe|wachtwoord|lösenord|hasło|пароль|парола|лозинка|geslo|lozinka|şifre|parola|heslo|jelszó|salasana|adgangskode|passord|mật khẩu|kata sandi|κωδικός|ｐａｓｓｗｏｒｄ)\w{0,6}\b(?:[ \t][\w’-][\w'’-]{0,19}){0,5}?"
    r"|(?:密码|密碼|口令|パスワード|비밀번호|암호|รหัสผ่าน|كلمة (?:المرور|السر)|گذرواژه|رمز عبور|पासवर्ड|סיסמ[הא])[^\n:：是为は]{0,12}?)"
    rf"(?:\s{{0,2}}[:：=]\s{{0,2}}|[ \t](?:is|was|ist|lautet|est|es|é|is set to|set to|to|är|è|to be)(?:[ \t](?:still|now|currently|just|again|always|only|noch|jetzt))?[: ]\s?|\s(?:—|–|-)\s|\s?(?:是|为|為|は|는|은|:|：|=)\s?)"
    rf"(?:{_Q}|[“「])?(?P<v>{_END}{{6,128}}+)"
)
_NOT_SAID = re.compile(
    r"(?i)^(?:sha\d|md5|base\d\d|utf|bcrypt|argon|scrypt|pbkdf|aes|rsa|http|[a-z]+://|v\d+(?:\.\d+)*(?:[-+]\w+)?$|\d+[a-z]{0,10}$|\d+[-–]\d+|[a-z]+\()"
)
_SEED = re.compile(
    r"(?is:(?:seed|recovery|mnemonic|backup|secret|wallet)[ _-]?(?:phrase|words?|mnemonic)s?|mnemonic|fromPhrase|助记词)"
    r"(?s:.{0,160}?)(?:[:=(\[>\]\"'`\n\t]|\\{1,8}[nrt]|\b(?:is|are|was)\s|是)(?:\s|\\{1,8}[nrt]|\d{1,4}[→\t:|]|\+|-){0,16}"
    r"(?P<v>(?:(?<![A-Za-z])|(?<=\\[nrt]))(?:[a-z]{3,8}(?:[ ,]{1,2}|\\n|\n|[\"'],\s?[\"'])){11,23}[a-z]{3,8})(?![a-z]| [a-z])"
)
_SEED_LENGTHS = frozenset((12, 15, 18, 21, 24))
_CODES = re.compile(r"(?i)(?:recovery|backup|scratch|one[- ]time|2fa|mfa|emergency)[ _-]codes?\b")
_CODE = re.compile(
    r"(?<![\w-])(?=[a-zA-Z-]{0,24}\d)[a-z0-9]{4,8}(?:-[a-z0-9]{4,8}){1,4}(?![\w-])|(?<![\w-])(?=[A-Z-]{0,24}\d)[A-Z0-9]{4,8}(?:-[A-Z0-9]{4,8}){1,4}(?![\w-])|(?<![\w.-])\d{8}(?![\w.-])|(?<![\w.:-])\d{4}[ -]\d{4}(?![\w.:-]|[ -]\d)|(?<![\w/.-])(?=[a-z]{1,11}\d|\d{1,11}[a-z])[a-z0-9]{8,12}(?![\w/.-])"
)


_SETTING_END = re.compile(r"\d\w*=\Z")
"""The end of a value with a sign of equality in it, which no name of a password is."""
_IDEOGRAPH = re.compile(r"(?<=[!-~])[,，。；、]?[\u3040-\u30ff\u3400-\u9fff]")
_WORD_AND_YEAR = re.compile(r"[a-z]+(?:19|20)\d\d")


def _said(match: re.Match[str], masker: Masker) -> str:
    value = _IDEOGRAPH.split(match["v"])[0].rstrip(".,;:!?)，。")
    bare = (
        _SETTING_END.search(match[0], 0, match.start("v") - match.start()) is not None
        or len(value) < 6
        or not value[0].isascii()
        or is_placeholder(value)
        or is_reference(value)
        or _NOT_SAID.match(value)
        or value.startswith(("-", "[", "(", "{"))
        or any(c in value for c in "(){}[]")
    )
    words = value.split("-")
    if bare or not (
        (any(c.isdigit() for c in value) and any(c.isalpha() for c in value))
        or (value.isalpha() and value.isascii() and (looks_random(value) or not is_speakable(value)))
        or (len(words) >= 3 and all(3 <= len(word) <= 12 and word.isalpha() for word in words))
    ):
        return match[0]
    at = match.start("v") - match.start()
    return match[0][:at] + masker.mask("secret:password", value) + match[0][at + len(value) :]


def _seed(match: re.Match[str], masker: Masker) -> str:
    words = re.findall(r"[a-z]{3,8}", match["v"].replace("\\n", " "))
    return taken(match, masker) if len(words) in _SEED_LENGTHS else match[0]


def _codes(text: str, masker: Masker) -> str:
    parts: list[str] = []
    done = at = 0
    for word in _CODES.finditer(text):
        if word.end() < at:
            continue  # those behind an earlier word were read up to here, and there are no more
        at = word.end()
        while (code := _CODE.search(text, at, at + 90)) is not None:
            if code.start() >= done and (
                code.start() - word.end() <= 8 or not _WORD_AND_YEAR.fullmatch(code[0])
            ):
                parts += [text[done : code.start()], masker.mask("secret:recovery-code", code[0])]
                done = code.end()
            at = code.end()
    return "".join([*parts, text[done:]]) if parts else text


# 4. What commands print.
_PRINTS = re.compile(
    r"(?:kubectl(?: -n \S+)? get secret|vault (?:kv get|read)|secretsmanager get-secret-value|ssm get-parameter|gcloud secrets versions access|\bop read|\bpass show|find-generic-password|keyvault secret show|gh auth token|gcloud auth print-|(?:echo|printenv|printf)[^\n]{0,20}?(?i:token|secret|passw|api_?key)"
    r"|openssl rand|token_(?:hex|urlsafe)|randomBytes|random_bytes|/dev/u?random|\bpwgen|\bmkpasswd|\bapg\b|genkey|\bgenpsk|phx\.gen\.secret|(?:rails|rake) secret|key:generate|generate_key|get_random_secret_key|auth:token|auth token|get-login-password|create-api-key|--gen-random"
    r"|terraform output[^\n]{0,40}?(?i:passw|secret|token|key)|cat [^\n|]{0,80}?(?i:passw|_pass\b|secret|token|credential|\.key\b|auth))"
    rf"[^\n]{{0,200}}?{_LINE}(?:[^\n\\]{{0,40}}?\d\d:\d\d:\d\d\S{{0,12}}(?:[ \t]{{1,4}}[\w\[\].-]{{1,24}}){{0,3}}:?[ \t]{{1,4}})?(?:[ \t+|-]|\d{{1,6}}[\t:|→]|base64:){{0,12}}(?P<v>{_END}{{8,4096}}+)(?=\s|\\|\"|'|`|\Z)"
)


def _printed(match: re.Match[str], masker: Masker) -> str:
    value = match["v"]
    if not (looks_random(value) or value.endswith("=") or _made(value) or _strong("password", value)):
        return match[0]
    return taken(match, masker)


_RULES: tuple[tuple[tuple[str, ...], re.Pattern[str], Callable[[re.Match[str], Masker], str]], ...] = (
    (("passw", "kennwort", "contraseña", "senha", "mot de passe", "wachtwoord", "lösenord", "hasło", "пароль", "парола", "лозинка", "geslo", "lozinka", "şifre", "parola", "heslo", "jelszó", "salasana", "adgangskode", "passord", "mật khẩu", "kata sandi", "κωδικός", "ｐａｓｓｗｏｒｄ", "密码", "密碼", "口令", "パスワード", "비밀번호", "암호", "รหัสผ่าน", "كلمة", "گذرواژه", "رمز", "पासवर्ड", "סיסמ", "passphrase", "passcode"), _SAID, _said),
    (("key", "token", "secret", "pass", "pwd", "cred"), _BEFORE, _before),
    (("seed", "mnemonic", "phrase", "recovery", "助记词"), _SEED, _seed),
    (("secret", "vault", "ssm", "op read", "pass show", "find-generic", "auth token", "auth print", "echo", "printenv", "printf", "openssl rand", "token_", "random", "pwgen", "mkpasswd", "apg", "genkey", "genpsk", "key:generate", "generate_key", "auth:token", "login-password", "terraform output", "cat "), _PRINTS, _printed),
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


def mask_near(text: str, folded: str, masker: Masker) -> str:
    """The text with credentials masked that words nearby tell. `folded`: the text in lower case, in place."""
    text = _near_words(text, folded, masker)
    text = mask_linked(text, folded, masker)
    if holds(_NAMES, folded):
        text = _at_names(text, folded, masker)
    for needles, pattern, replace in _RULES:
        if rare(needles, folded) if len(needles) > 6 else holds(needles, folded):
            text = pattern.sub(lambda m, replace=replace: replace(m, masker), text)  # type: ignore[misc]
    text = mask_commands(text, folded, masker)
    return _codes(text, masker) if "code" in folded else text
