"""Error texts as templates: what varies is masked, what tells errors apart stays.

Masked: numbers with their units, paths, addresses, ids, hashes, dates, quoted values, names of tests.
Kept: error classes, errno words and numbers, exit codes, HTTP statuses, codes of compilers (`TS2304`), flags,
names of arguments, and the name of a missing module or command where it is short and lower-case: what helps
depends on it (`yaml` is installed as `pyyaml`), and such names are public. Other quoted words are the user's.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

__all__ = ["error_template", "json_object"]

LOOKED_AT = 20_000
"""Characters of a text that are read, half from either end."""
LINE_CUT = 500
ROUNDS = 8

_ANSI = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_TAGS = re.compile(r"</?(?:tool_use_error|error|stderr|stdout|output|result)>")
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_OUTPUT_HEAD = re.compile(r"\A(?:(?!Output:)[^\n]{0,200}\n){0,6}?Output:[ \t]*(?:\n|\Z)")
_EXITED = re.compile(r"(?m)^(?:Process exited with code|Exit code:?) -?\d{1,5}")

_TELLING = re.compile(
    r"error|exception|fatal|fail|denied|not found|no such|cannot|can't|unable|refused|"
    r"invalid|not valid|missing|time(?:d )?out|unknown|unrecognized|already|conflict|forbidden|unauthorized|"
    r"not provided|required|err!|panic|http/[\d.]+ [45]\d\d"
)
_NOISE = re.compile(r"\s*(?:at |file \"|\^+|~+|-+|=+|\.{3}|note:|hint:|warning:)")
_NAMED = re.compile(r"\b(?:error|fatal|panic|exception|failure)\b\s?[:\]!]|^(?:< )?http/[\d.]+ [45]\d\d")
_RAISED = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning|Failure)\b")
_COMPARES = re.compile(
    r"\bassert\b|[=!]=|[<>]=? | not (?:in|found in|equal)\b| is (?:not )?(?:None|True|False)\b"
)
_BARE_STATUS = re.compile(r"[45]\d\d")

_TESTED = re.compile(r"(?:FAILED|ERROR|FAIL:?|ERROR:|--- FAIL:) <test>")
"""How templates of test failures begin: one is the template of itself."""
_PYTEST = re.compile(r"(FAILED|ERROR) (\S+\.py\S*)(?: - (.*))?$")
_PYTEST_LINE = re.compile(r"E {2,8}(\S.*)")
_JEST = re.compile(r"(?:FAIL|✗|×|❯) {1,3}\S|● ")
_JEST_SAYS = re.compile(r"(expect\(.{0,80}?\)\.[\w.]{1,60}\(|[A-Z]\w*Error\b)")
_GO = re.compile(r"--- FAIL: \S+")
_GO_SAYS = re.compile(r"(?:\S+_test\.go:\d+: |Error: *)(\S.*)|(panic: .*)")
_CARGO = re.compile(r"test \S+ \.\.\. FAILED|thread '[^']{0,200}' panicked at")
_CARGO_SAYS = re.compile(r"(assertion .*|called `.*)")
_UNITTEST = re.compile(r"(FAIL|ERROR): \w+ \(")

_QUOTE = r"['\"`‘’“”]"
_SHORT = r"(?-i:[a-z][a-z_-]{1,18}\d?)"
_REASON = (
    r"(?:client error|server error|bad request|unauthori[sz]ed|forbidden|not found|method not allowed|"
    r"conflict|gone|payload too large|unsupported media type|unprocessable|too many requests|"
    r"internal server error|bad gateway|service unavailable|gateway time-?out)"
)
_KEPT = re.compile(
    # what it was, then how the number is written: one way, so that `code=1` and `code: 1` are one
    r"(?P<what>\bhttp(?:/\d(?:\.\d)?)?|\bstatus(?:[ _]?code)?|\bcode|\bexit(?:ed)?(?: with)?"
    rf"(?: code| status)?|\berrno|\bsignal){_QUOTE}?[ :=]{{1,3}}(?P<number>-?\d{{1,3}})\b(?![.-]?\w)"
    rf"|(?P<status>\b[45]\d\d(?=:? {_REASON}))"
    r"|(?P<make>\berror (?:[45]\d\d\b|\d{1,3}$))"
    r"|(?P<curl>\bcurl: \(\d{1,2}\))"
    r"|(?P<diagnostic>(?:(?<=error )|(?<=error\[)|(?<=\d: )|^)(?-i:[A-Z]{1,4})\d{3,5}\b)"
    rf"|(?P<module>\bno module named |\bcannot find (?:module|package) |\bunable to locate package |"
    r"\bno matching distribution found for |\bcommand not found: |\bexecutable file not found: )"
    rf"{_QUOTE}?(?P<name>(?:(?-i:@[a-z-]{{1,20}})/)?{_SHORT})(?:\.[\w.]{{1,60}})?{_QUOTE}?(?![\w./-])"
    rf"|(?P<command>(?<![\w./'\"-]){_SHORT})(?=: (?:command )?not found\b)"
    rf"|{_QUOTE}(?P<flag>--?[A-Za-z][\w-]{{0,40}}){_QUOTE}"
    rf"|(?P<before>\b(?:argument|parameter|property|field|option|keyword|attribute|column)s?:? )"
    rf"{_QUOTE}(?P<argument>(?-i:[a-z_]{{1,32}})){_QUOTE}"
    rf"|{_QUOTE}(?P<needed>(?-i:[a-z_]{{1,32}})){_QUOTE}"
    r"(?= (?:is (?:a )?required|is missing|must be|should be|argument|parameter|field|property))"
    rf"|{_QUOTE}(?P<type>NoneType|str|int|float|list|dict|tuple|bytes|set|bool|function|type){_QUOTE}",
    re.I,
)

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s'\"<>)\]]+", re.I)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_QUOTED = re.compile(
    r"\"[^\"\n]{1,300}\"|(?<![\w])'[^\n]{1,300}?'(?![\w])|`[^`\n]{1,300}`|[“「‘][^”」’\n]{1,300}[”」’]"
)
_DATETIME = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?Z|[+-]\d\d:?\d\d)?(?!\w)")
_DATE = re.compile(
    rf"\b\d{{4}}-\d\d?-\d\d?\b|\b\d\d?/\d\d?/\d{{2,4}}\b|"
    rf"\b{_MONTH}\.? \d\d?(?:st|nd|rd|th)?\b(?:,? \d{{4}})?|"
    rf"\b\d\d?(?:st|nd|rd|th)? (?:of )?{_MONTH}\b(?:,? \d{{4}})?",
    re.I,
)
_TIME = re.compile(r"\b\d\d?(?::\d\d(?::\d\d)?)?\s?[ap]m\b|\b\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?\b", re.I)
_PATH = re.compile(
    r"(?<![\w<:/.>\\])(?:~|\.{1,2}|[A-Za-z]:|@?[\w.@+=-]{1,80})?(?:[/\\][\w.@+=-]{1,120})+[/\\]?(?![\w<>])"
    r"|(?<![\w<:/.>-])[\w.@+-]{0,80}\w\.(?:py|js|mjs|cjs|ts|tsx|jsx|json|toml|ya?ml|md|txt|csv|sh|rs|go|java|kt|c|h|cc|"
    r"cpp|hpp|html|css|sql|log|ini|cfg|lock|rb|php|xml|ipynb|db|sqlite|env|tf)\b"
)
_PLACE = re.compile(r"(<path>)(?::\d{1,7}(?::\d{1,7})?|\(\d{1,7},\d{1,7}\))")
_ID = re.compile(
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
    r"|#?\b(?=[\w-]{0,80}\d)(?=[\w-]{0,80}[A-Za-z_])[A-Za-z0-9]{1,80}(?:[_-][A-Za-z0-9]{1,80})+\b"
    r"|#[A-Z]{0,2}\d+\b|\b0x[0-9a-f]+\b|\b(?=[0-9a-f]{0,64}\d)(?=[0-9a-f]{0,64}[a-f])[0-9a-f]{7,64}\b"
    r"|\b(?=[A-Za-z]{0,40}\d)(?:[A-Za-z]{0,40}\d){4}[A-Za-z0-9]{0,60}(?<!\d)\b"
    r"|\b(?:[A-Za-z]+\d{4,}|\d+[A-Za-z]+\d[A-Za-z0-9]*)\b",
    re.I,
)
_NUMBER = re.compile(
    r"(?<![\w.<])[-+]?\d+(?:[,_.]\d+)*(?:e[-+]?\d+)?"
    r"(?: ?(?:%|[kmgt]i?b|bytes|ms|µs|us|ns|secs?|seconds|s|min|m|h))?"
    r"(?![\w>])",
    re.I,
)
_REPEAT = re.compile(r"(<\w{1,12}>)(?:[,;]? (?:or |and )?\1)+")
_SPACE = re.compile(r"\s+")


def error_template(text: str, limit: int = 160) -> str:
    """The most telling line of an error with what varies as `<kind>`; see the module for what is kept.

    Of a Python traceback that is its last line, of a test run the first failure with its assertion class, of
    a JSON answer its status and message. A template of a template is the same template.
    """
    return _settled(_once(text, limit), limit)


@lru_cache(maxsize=4096)
def _settled(found: str, limit: int) -> str:
    # What was cut off or masked may let a second look see more; templates are few, so it costs nothing.
    for _ in range(ROUNDS):
        again = _once(found, limit)
        if again == found:
            break
        found = again
    return found


_HALVES = re.compile(r"\\u[dD][89a-fA-F]")


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object that `text` is; None when it is something else. Halves of surrogate pairs, which JSON
    may spell and nobody can write down again, are `?`."""
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
        if _HALVES.search(text):
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _once(text: str, limit: int) -> str:
    if len(text) > LOOKED_AT:
        text = text[: LOOKED_AT // 2] + "\n" + text[-LOOKED_AT // 2 :]
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    if "<" in text:
        text = _TAGS.sub("", text)
    text = text.strip()
    said = json_object(text)
    line = _of_json(said) if said is not None else ""
    flat = _SPACE.sub(" ", mask_error(line or _line(text))).strip()
    if len(flat) <= limit:
        return flat
    return flat[: limit - 1].rstrip() + "…"


def _line(text: str) -> str:
    """The line that says what went wrong."""
    exited = ""
    if head := _OUTPUT_HEAD.match(text):
        found = _EXITED.search(head.group())
        exited = found.group() if found else ""
        text = text[head.end() :]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return exited
    if ("FAIL" in text or "● " in text or "panicked" in text or "E   " in text or "ERROR " in text) and (
        tested := _of_tests(lines)
    ):
        return tested
    if "Traceback (most recent call last)" in text:
        return _asserted(next((line for line in reversed(lines) if _RAISED.match(line)), lines[-1]))
    telling: str | None = None
    for line in lines:
        low = line.lower()
        if _TELLING.search(low) and not _NOISE.match(low):
            # A usage text may hold telling words; a line that says "error:" of itself comes first.
            if _NAMED.search(low):
                return _asserted(line)
            telling = telling or line
    if telling is None and _BARE_STATUS.fullmatch(lines[-1]):
        return f"status {lines[-1]}"
    return telling or exited or lines[0]


def _asserted(message: str) -> str:
    """The message of an assertion that compares is data; its class is the lesson."""
    if message.startswith(("AssertionError: ", "assert ")):
        return "AssertionError" if _COMPARES.search(message) else message
    return message


def _of_tests(lines: list[str]) -> str:
    """What the first failing test said; empty when these are no tests."""
    if _TESTED.match(lines[0]):
        return lines[0]
    for line in lines:
        if found := _PYTEST.match(line):
            says = found[3] or next((m[1] for m in map(_PYTEST_LINE.match, lines) if m), "")
            return f"{found[1]} <test>" + (f" - {_asserted(says)}" if says else "")
    for place, line in enumerate(lines):
        if _GO.match(line):
            said = next((m for m in map(_GO_SAYS.search, lines[max(0, place - 8) : place + 12]) if m), None)
            return "--- FAIL: <test>" + (f" - {said[1] or said[2]}" if said else "")
        if found := _UNITTEST.match(line):
            raised = next((x for x in lines[place:] if _RAISED.match(x)), "")
            return f"{found[1]}: <test>" + (f" - {_asserted(raised)}" if raised else "")
        if _CARGO.match(line):
            says = next((m[1] for m in map(_CARGO_SAYS.search, lines[place:]) if m), "")
            return "FAILED <test>" + (f" - {says.replace('`', '')}" if says else "")
        if _JEST.match(line):
            asserted = next((x for x in lines[place:] if _JEST_SAYS.match(x)), "")
            if asserted:
                return f"FAIL <test> - {asserted.split(' // ')[0]}"
    first = next((m[1] for m in map(_PYTEST_LINE.match, lines) if m and _RAISED.match(m[1])), "")
    return _asserted(first)


_STATUS_TEXT = re.compile(r"[1-5]\d\d")
_CODE_TEXT = re.compile(r"[A-Za-z][A-Za-z_.]{2,40}")
_EMPTY_CODES = frozenset({"text", "error", "failed", "failure", "fail"})
_MESSAGES = ("message", "msg", "error_description", "detail", "details", "title", "reason", "error", "errors")
_CODES = ("status", "status_code", "statusCode", "code", "type", "error_code", "errorCode", "name")


def _of_json(value: dict[str, Any]) -> str:
    """`status 404 not_found: No such user` of an API's answer; empty when it does not say what is wrong."""
    codes: list[str] = []
    message = _message(value, codes, 4)
    if not message and not codes:
        return next((f"{name} false" for name in ("success", "ok") if value.get(name) is False), "")
    return ": ".join(part for part in (" ".join(dict.fromkeys(codes)), message) if part)


def _message(value: Any, codes: list[str], depth: int) -> str:
    if isinstance(value, str):
        return value if len(value) < 2 * LINE_CUT else value[: 2 * LINE_CUT]
    if isinstance(value, list):
        return next((m for m in (_message(v, codes, depth - 1) for v in value[:3]) if m), "") if depth else ""
    if not isinstance(value, dict) or not depth:
        return ""
    for name in _CODES:
        code = value.get(name)
        if isinstance(code, bool) or not isinstance(code, int | str):
            continue
        if _STATUS_TEXT.fullmatch(str(code)[:8]):
            codes.append(f"status {code}")
        elif isinstance(code, str) and _CODE_TEXT.fullmatch(code) and code.lower() not in _EMPTY_CODES:
            codes.append(code)
    if isinstance(value.get("error"), dict):
        return _message(value["error"], codes, depth - 1)
    for name in (*_MESSAGES, "text", "content"):
        if value.get(name) and (found := _message(value[name], codes, depth - 1)):
            return found
    return ""


def mask_error(line: str) -> str:
    """One line of an error with what varies as `<kind>`."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        named = match.groupdict()
        if named["what"]:
            text = f"{named['what']} {named['number']}"
        elif named["module"]:
            text = f"{named['module']}{named['name']}"
        elif named["argument"]:
            text = f"{named['before']}{named['argument']}"
        else:
            text = named["flag"] or named["needed"] or named["type"] or match.group()
        kept.append(text)
        return chr(0xE000 + len(kept) - 1)

    line = _KEPT.sub(keep, _PRIVATE.sub(" ", line[:LINE_CUT]))
    if "://" in line:
        line = _URL.sub("<url>", line)
    if "@" in line:
        line = _EMAIL.sub("<email>", line)
    line = _QUOTED.sub("<text>", line)
    digits = any(char.isdigit() for char in line)
    if digits:
        line = _TIME.sub("<time>", _DATE.sub("<date>", _DATETIME.sub("<datetime>", line)))
    line = _PATH.sub("<path>", line)
    if digits:
        line = _PLACE.sub(r"\1", line)
        line = _NUMBER.sub("<number>", _ID.sub("<id>", line))
    line = _REPEAT.sub(r"\1", line)
    return _PRIVATE.sub(lambda m: kept[ord(m.group()) - 0xE000], line) if kept else line
