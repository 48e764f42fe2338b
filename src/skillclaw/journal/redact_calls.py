"""Credentials that stand as arguments: what a function of a known kind takes, what a test types into a field."""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import re
from collections.abc import Callable

from skillclaw.journal.redact_judge import is_placeholder, is_reference, looks_made
from skillclaw.journal.redact_linked import rare
from skillclaw.journal.redact_text import HOLE, Masker, holds

__all__ = ["mask_calls"]

_Q = r"\\{0,15}[\"'`]"
_ARG = rf"[bruf]{{0,2}}{_Q}(?P<v>[^\"'`\n\\{HOLE}]{{4,512}}+)(?={_Q}|\\[rn])"
_ANY = rf"(?:[bruf]{{0,2}}{_Q}[^\"'`\n\\{HOLE}]{{0,120}}{_Q}|[\w.$\[\]-]{{1,80}}|\{{[^{{}}\n]{{0,120}}\}})"


def _password(value: str) -> bool:
    """Whether a value is written as passwords are: no word, path, call or sentence."""
    if (
        len(value) < 6
        or is_placeholder(value)
        or is_reference(value)
        or any(char.isspace() for char in value)
    ):
        return False
    if "://" in value or value.startswith(("/", "#", ".", "{", "--")) or "(" in value:
        return False
    digits, letters = sum(map(str.isdigit, value)), sum(map(str.isalpha, value))
    return letters > 0 and (digits > 0 or digits + letters < len(value)) and not _ORDINARY.match(value)


_ORDINARY = re.compile(
    r"(?i)[\w.+-]+@[\w-]+\.[a-z]{2,}\Z|[a-z_]+(?:\.[a-z_]+)+\d?\Z|v?\d[\d.]*[a-z]{0,3}\Z|[a-z]+(?:[-_ ][a-z]+)*\Z|utf-?\d+|sha-?\d+|(?:aes|md|es|hs|rs|ps)-?\d+|\d+-\d+-\d+"
)


def _given(value: str) -> bool:
    return not is_placeholder(value) and not is_reference(value)


def _key(value: str) -> bool:
    return len(value) >= 16 and looks_made(value)


# (needles in lower case, what stands before and the argument, what the argument must be like)
_CALLS: tuple[tuple[tuple[str, ...], re.Pattern[str], Callable[[str], bool]], ...] = tuple(
    (needles, re.compile(pattern), check)
    for needles, pattern, check in (
        # A user and a password.
        (
            ("login(", "auth(", "credential", "basic(", "authenticate(", "auth(", "signin(", "sign_in(", "user(", "passwordauthentication("),
            rf"(?:\b|_)(?:(?:[lL]og_?[iI]n|[sS]ign_?[iI]n|\w{{0,20}}[aA]uth|\w{{0,24}}[cC]redentials?|basic|authenticate|(?:signIn|createUser)WithEmailAndPassword|[cC]reate_?[uU]ser|[aA]dd_?[uU]ser|PasswordAuthentication|UsernamePasswordAuthenticationToken)|Credentials\.basic)\(\s?{_Q}[^\"'`\n\\{HOLE}]{{1,80}}{_Q},\s?{_ARG}",
            _password,
        ),
        # The third of a connection: where, who, the password.
        (
            ("connect(", "connection(", "pdo(", "mysqli(", "superuser(", "create_user(", "createuser("),
            rf"\b(?:mysqli?_connect|pg_connect|[gG]etConnection|PDO|mysqli|\w{{1,20}}\.connect|create_(?:super)?user|createSuperUser)\(\s?{_ANY},\s?{_ANY},\s?{_ARG}",
            _password,
        ),
        (("wifi",), rf"\bWiFi\w{{0,8}}\.(?:begin|softAP|addAP)\(\s?{_ANY},\s?{_ARG}", _given),
        # A password that is hashed or compared.
        (
            ("bcrypt", "hash::make", "argon2", "hashpw(", "checkpw(", "scrypt", "pbkdf2", "crypt("),
            rf"\b(?:bcrypt(?:\.\w{{4,20}})?|Hash::make|argon2\.\w{{4,10}}|hashpw|checkpw|scrypt(?:Sync)?|pbkdf2(?:Sync|_hmac)?|crypt)\(\s?(?:{_Q}sha\d+{_Q},\s?)?{_ARG}",
            _password,
        ),
        # A key that signs or encrypts.
        (
            ("hmac", "cipheriv(", "jwt", "fernet(", "aes.new(", "secretkeyspec(", "serializer(", "signer(", "openssl_", "crypt(", "_sym_", "session("),
            rf"(?:\b|_)(?:createHmac|create(?:Dec|C)ipheriv|hmac\.new|hmac\.digest|HMAC(?:\.new)?|hash_hmac|[jJ][wW][tT]\.\w{{4,12}}|Fernet|AES\.new|SecretKeySpec|\w{{0,24}}Serializer|\w{{0,12}}Signer|openssl_(?:en|de)crypt|setSigningKey|signWith)\((?:\s?{_ANY}(?:\([^()\n]{{0,40}}\))?,){{0,2}}\s?{_ARG}",
            _key,
        ),
        (
            ("_sym_", "aes_", "encryptbypassphrase", "decryptbypassphrase"),
            rf"(?i:\b(?:pgp_sym_(?:en|de)crypt\w{{0,6}}|aes_(?:en|de)crypt)\(\s?(?:{_Q}[^\"'`\n{HOLE}]{{0,120}}{_Q}|[\w.:()]{{1,80}}),|\b(?:en|de)cryptbypassphrase\()\s?{_ARG}",
            _password,
        ),
        # A client, made or logged in with its key alone.
        (
            ("bot(", "client(", "client.", "bot.", ".run(", "settoken(", "set_token(", "api(", "sdk(", "octokit(", "telegraf(", "stripe("),
            rf"(?:\b(?:new\s)?[A-Z]\w{{0,24}}(?:Bot|Client|Api|API|SDK|Stripe|Octokit|Telegraf)|\b(?:Bot|Client|Stripe|Octokit|Telegraf)|\b(?:client|bot|app|session|discord)\.(?:run|start|login|auth|authenticate|connect)|\.(?:set_?[tT]oken|set_?[aA]pi_?[kK]ey|[aA]uth|authenticate|with_?[aA]pi_?[kK]ey|with_?[tT]oken))\(\s?{_ARG}",
            _key,
        ),
        # The key of a wallet.
        (("wallet(", "accounts:", "account(", "from_key(", "privatekey(", "secretkey(", "signingkey("), rf"(?:\b(?:Wallet|privateKeyToAccount|fromPrivateKey|from_key|fromSecretKey|SigningKey)\(|\baccounts:\s?\[)\s{{0,8}}[bruf]{{0,2}}{_Q}(?P<v>(?:0x)?[0-9a-fA-F]{{64}}|[1-9A-HJ-NP-Za-km-z]{{80,90}})(?={_Q})", _given),
        (("password", "passwd", "passphrase"), rf"(?i:password|passwd|passphrase)[^\n\"'`{HOLE}]{{0,24}}{_Q}[)\]]{{1,3}}\.(?:fill|type|send_keys|sendKeys|setValue|press_sequentially|pressSequentially)\(\s?{_ARG}", _given),
        # A field of a form, a prompt.
        (("password", "passwd", "passphrase", "#pass", "#pw"), rf"\b(?:fill|type|setValue|sendKeys|send_keys|input|press_sequentially)\(\s?(?:page,\s?)?{_Q}[^\n{HOLE}]{{0,60}}?(?i:passw(?:or)?d|passphrase|#pass|#pw)[^\n{HOLE}\"']{{0,24}}(?:{_Q}\]?)?{_Q},\s?{_ARG}", _given),
        (("input text", "input password", "input_password", "input_text"), rf"(?i:input[ _](?:text|password))\s{{2,8}}(?:[^\n]{{0,40}}?passw[^\n]{{0,12}}?\s{{2,8}})?(?P<v>[^\s\"'`{HOLE}\\]{{6,128}}+)(?=\s|\\|\Z)", _password),
        (("fill in", "fill_in", "enter"), rf"(?i:fill[ _]in|enters?)\s[^\n{HOLE}]{{0,20}}?(?i:passw(?:or)?d|passphrase){_Q}?\s?,?\s(?:with:?\s)?{_ARG}", _given),
        (("element", "selector", "label"), rf"{_Q}(?:element|selector|label|target|field){_Q}\s?:\s?{_Q}[^\n\"'{HOLE}]{{0,40}}?(?i:passw(?:or)?d|passphrase)[^\n\"'{HOLE}]{{0,24}}{_Q},\s?(?:{_Q}\w{{1,12}}{_Q}\s?:\s?{_Q}[^\n\"'{HOLE}]{{0,40}}{_Q},\s?)?{_Q}(?:text|value|input|content){_Q}\s?:\s?{_ARG}", _given),
        (("assword", "passphrase", "passcode"), rf"(?i:assword|passphrase|passcode)[^\n'\"`{HOLE}]{{0,32}}?/i?\s?\)?\}}?\s?\)?\s?,\s?{_ARG}", _password),
        (("assword", "passphrase", "passcode"), rf"(?i:assword|passphrase|passcode)\w{{0,16}}(?:\)|{_Q}){{0,3}},\s?\{{\s?target:\s?\{{\s?value:\s?{_ARG}", _password),
        (
            ("send", "write(", "type(", "keystroke(", "inputtext("),
            rf"(?i:assword|passphrase|passcode)[^\n{HOLE}]{{0,40}}?(?:\n|\\{{1,8}}n)?[^\n{HOLE}]{{0,40}}?\b(?:exp_send|send(?:line|_keys|Keys|)|write(?:ln)?|keystroke|type|inputText)\(?\s{{0,2}}(?:-s\s|--\s)?{_ARG}",
            _password,
        ),
    )
)  # fmt: skip
_MARKS = ("(", "send", "passw", "accounts:")
"""One of these is in every text that a rule below could match."""
_NEEDLES = tuple(sorted({needle for needles, _, _ in _CALLS for needle in needles}))


def mask_calls(text: str, folded: str, masker: Masker) -> str:
    """The text with arguments masked that can only be credentials. `folded`: in lower case, in place."""
    if not holds(_MARKS, folded) or not rare(_NEEDLES, folded):
        return text
    for needles, pattern, check in _CALLS:
        if holds(needles, folded):
            text = pattern.sub(lambda match, check=check: _swap(match, check, masker), text)  # type: ignore[misc]
    return text


def _swap(match: re.Match[str], check: Callable[[str], bool], masker: Masker) -> str:
    value = match["v"]
    if not check(value):
        return match[0]
    at = match.start("v") - match.start()
    return match[0][:at] + masker.mask("secret:password", value) + match[0][at + len(value) :]
