"""Secrets that stand encoded: base64 (Kubernetes secrets, PowerShell, wrapped files) and dumps in hex.

What can be decoded to text is decoded and looked at; where that finds anything, the whole blob is masked: no
part of it could be kept that says something. Each character is decoded once.
"""

# ruff: noqa: E501  (one form a line reads best)

from __future__ import annotations

import binascii
import re
from collections import Counter
from collections.abc import Callable

from skillclaw.journal.redact_text import Masker

__all__ = ["Look", "is_prose", "mask_base64", "mask_dumps"]

Look = Callable[[str], Counter[str]]
"""What redaction finds in a decoded text, by kind."""

SHORTEST = 16
_RUN = re.compile(r"[A-Za-z0-9+/_-](?<![A-Za-z0-9+/_-].)[A-Za-z0-9+/_-]{15,}+={0,2}")
_WRAPPED = 57
"""Characters of a line from which on the next one may belong to it; base64 and PEM wrap at 60 to 76."""
_NEXT = re.compile(
    r"(?:\r?\n|(?:\\{1,8}r)?\\{1,8}n)[ \t+-]{0,16}(?P<v>[A-Za-z0-9+/_-]{2,}+={0,2})(?=\s|\\|[\"'`]|\Z)"
)
_URL_SAFE = str.maketrans("-_", "+/")
_LOGIN = re.compile(r"[\w.@+-]{1,64}:[^\s:]{6,128}")
_LOGIN_BEFORE = re.compile(r"(?i)(?:auth|basic|cred|login|registr)[^\n]{0,60}(?:\n|\\n)?[^\n]{0,24}\Z")
_KUBERNETES = re.compile(r"kind\\?[\"']?:\s{0,3}\\?[\"']?Secret\b")
_ENTRY = re.compile(
    r"(?P<name>[A-Za-z0-9_.-]{1,100})\\?[\"']?:[ ]{0,3}\\?[\"']?(?P<v>[A-Za-z0-9+/]{8,}+={0,2})(?=\\?[\"',}\s]|\\n|\Z)"
)
_NOT_DATA = frozenset({"apiVersion", "kind", "name", "namespace", "type", "uid", "resourceVersion"})


def mask_base64(text: str, look: Look, masker: Masker) -> str:
    """The text without the base64 that holds a secret or personal data."""
    if "Secret" in text and _KUBERNETES.search(text):
        text = _ENTRY.sub(lambda m: _entry(m, masker), text)
    parts: list[str] = []
    done = 0
    for match in _RUN.finditer(text):
        start, end = match.span()
        if start < done:
            continue
        if text[start - 1 : start] == "\\" and text[start] in "nrt":
            start += 1
        if text[start] in "+-" and (
            start == 0 or text[start - 1] == "\n" or text[start - 2 : start] == "\\n"
        ):
            start += 1  # the sign of a diff
        pieces = [text[start:end]]
        if not _begins_text(pieces[0]):
            continue  # so that the lines of what is no text are not put together again from each of them
        if end - start >= _WRAPPED:
            while (following := _NEXT.match(text, end)) is not None:
                pieces.append(following["v"])
                end = following.end()
                if len(following["v"]) < len(pieces[0]):
                    break
        if pieces[0].startswith("LS0tLS1CRUdJTi") and b"PRIVATE KEY" in (_bytes(pieces[0][:100]) or b""):
            parts += [text[done:start], masker.mask("secret:private-key", text[start:end])]
            done = end
            continue
        decoded = _text("".join(pieces))
        if decoded is None and len(pieces) > 1:
            end = match.end()
            decoded = _text(pieces[0])
        if decoded is None:
            continue
        kind = _kind(look(decoded), "secret:base64")
        if (
            not kind
            and _LOGIN.fullmatch(decoded.strip())
            and _LOGIN_BEFORE.search(text, max(0, start - 90), start)
        ):
            kind = "secret:base64"
        if kind:
            parts += [text[done:start], masker.mask(kind, text[start:end])]
            done = end
    return "".join([*parts, text[done:]]) if parts else text


def _kind(found: Counter[str], secret: str) -> str:
    """What a blob is masked as: a secret if one is inside, else the personal data there; empty for neither."""
    if any(kind.startswith(("secret:", "custom:", "word")) for kind in found):
        return secret
    kinds = sorted(kind for kind in found if kind not in ("home", "user"))
    return kinds[0] if kinds else secret if found else ""


def _entry(match: re.Match[str], masker: Masker) -> str:
    value = match["v"]
    if match["name"] in _NOT_DATA or len(value) % 4 or _text(value) is None:
        return match[0]
    at = match.start("v") - match.start()
    return f"{match[0][:at]}{masker.mask('secret:base64', value)}{match[0][at + len(value) :]}"


def is_prose(blob: str) -> bool:
    """Whether `blob` is the base64 of a text of several words, which was looked at already."""
    decoded = _text(blob)
    return decoded is not None and decoded.count(" ") >= 3


def _text(blob: str) -> str | None:
    """The text that `blob` is the base64 of; None when it is none: other data, or an ordinary word."""
    blob = blob.rstrip("=").translate(_URL_SAFE)
    if not _begins_text(blob):
        return None
    raw = _bytes(blob)
    if raw is None:
        return None
    if _wide(raw):
        return raw[: len(raw) // 2 * 2].decode("utf-16-le", "replace")
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        # A blob that was cut off, or whose last line is another word.
        if error.start < 0.8 * len(raw):
            return None
        decoded = raw[: error.start].decode("utf-8")
    return decoded


def _begins_text(blob: str) -> bool:
    head = _bytes(blob[:20].rstrip("=").translate(_URL_SAFE))
    return head is not None and _printable(head)


def _bytes(blob: str) -> bytes | None:
    cut = len(blob) - len(blob) % 4 if len(blob) % 4 == 1 else len(blob)
    try:
        return binascii.a2b_base64(blob[:cut] + "=" * (-cut % 4))
    except ValueError:
        return None


_PLAIN = frozenset([9, 10, 13, *range(32, 127)])


def _wide(raw: bytes) -> bool:
    return len(raw) >= 8 and not any(raw[1:16:2]) and all(byte in _PLAIN for byte in raw[:16:2])


def _printable(raw: bytes) -> bool:
    """Whether bytes begin a text: of printable characters, at most a third of them beyond ASCII."""
    if _wide(raw):
        return True
    plain = sum(byte in _PLAIN for byte in raw)
    if plain < 0.7 * len(raw) and len(raw) >= 12:
        # Text of another script: its bytes are UTF-8 up to where the head was cut.
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start < len(raw) - 3:
                return False
        return all(b in _PLAIN or b >= 0x80 for b in raw)
    return len(raw) >= 5 and plain >= 0.7 * len(raw) and all(b in _PLAIN or b >= 0x80 for b in raw)


# Dumps. `hexdump -C`, `od -A x -t x1z`: bytes one by one, the text between bars; `xxd`: groups, the text behind
# two spaces; `od -c`: the characters themselves, four columns each.
_HEX_LINE = re.compile(
    r"[0-9a-fA-F]{6,8}(?:"
    r":[ ]{1,2}(?P<xxd>(?:[0-9a-fA-F]{2,8}[ ]){1,16})[ ]{0,44}(?P<shown>[^\r\n\\]{0,16})"
    r"|[ ]{1,2}(?P<hd>(?:[0-9a-fA-F]{2}[ ]{1,2}){1,16})[ ]{0,60}(?:\|[^\r\n]{0,16}\||>[^\r\n]{0,16}<)"
    r"|[ ](?P<od>(?:[ ]?[0-9a-fA-F]{2}){1,16})(?=\s|\\n|\Z)"
    r")"
)
_CHAR_LINE = re.compile(
    r"(?m)^[0-7]{7}(?P<c>(?:[ ]{3}[\x21-\x7e]|[ ]{2}\\[nrtabfv0]|[ ]{1}[0-7]{3}|[ ]{4}){1,16})$"
)
_BETWEEN = re.compile(r"(?:\r?\n|(?:\\{1,8}r)?\\{1,8}n)[ \t]{0,8}(?:\d{1,6}[\t:|][ ]?|[+-][ ]?)?")
_PLAIN_HEX = re.compile(
    r"[0-9a-fA-F](?<![0-9A-Za-z].)[0-9a-fA-F]{23,}+(?:\r?\n[0-9a-fA-F]{2,}+)*+(?![0-9A-Za-z])"
)


def mask_dumps(text: str, look: Look, masker: Masker) -> str:
    """The text without the dumps in hex that hold a secret or personal data."""
    if "0000" in text:
        text = _blocks(text, _HEX_LINE, _hex_bytes, look, masker)
        text = _blocks(text, _CHAR_LINE, _char_bytes, look, masker)
    return _PLAIN_HEX.sub(lambda m: _plain(m[0], look, masker), text)


def _blocks(
    text: str,
    pattern: re.Pattern[str],
    read: Callable[[re.Match[str]], bytes],
    look: Look,
    masker: Masker,
) -> str:
    parts: list[str] = []
    done = start = end = 0
    data: list[bytes] = []

    def close() -> None:
        nonlocal done
        kind = _kind(look(b"".join(data).decode("utf-8", "replace")), "secret:dump") if data else ""
        if kind:
            parts.extend([text[done:start], masker.mask(kind, text[start:end])])
            done = end

    for match in pattern.finditer(text):
        if not data or not _BETWEEN.fullmatch(text, end, match.start()):
            close()
            data, start = [], match.start()
        data.append(read(match))
        end = match.end()
    close()
    return "".join([*parts, text[done:]]) if parts else text


def _hex_bytes(match: re.Match[str]) -> bytes:
    digits = (match["xxd"] or match["hd"] or match["od"]).replace(" ", "")
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


_ESCAPES = {"\\n": 10, "\\r": 13, "\\t": 9, "\\a": 7, "\\b": 8, "\\f": 12, "\\v": 11, "\\0": 0}


def _char_bytes(match: re.Match[str]) -> bytes:
    columns = match["c"]
    found = bytearray()
    for at in range(0, len(columns), 4):
        one = columns[at : at + 4].strip()
        if len(one) == 3:
            found.append(int(one, 8) & 0xFF)
        else:
            found.append(_ESCAPES[one] if len(one) == 2 else ord(one or " "))
    return bytes(found)


def _plain(digits: str, look: Look, masker: Masker) -> str:
    compact = "".join(digits.split())
    if len(compact) % 2:
        return digits
    raw = bytes.fromhex(compact)
    if not all(byte in _PLAIN for byte in raw[:24]):
        return digits
    kind = _kind(look(raw.decode("utf-8", "replace")), "secret:dump")
    return masker.mask(kind, digits) if kind else digits
