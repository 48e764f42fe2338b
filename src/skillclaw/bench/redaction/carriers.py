"""What a text can stand in on its way to a model: JSON, a tool call, a numbered file, base64, colours.

Each carrier is a pure function of a text, its values and a seeded generator. It gives the carried text and
the values as they then read, or None where the text does not fit. A value that a carrier encodes together
with its surroundings (base64) becomes the part of the encoding that no other bytes share.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from random import Random
from textwrap import wrap
from urllib.parse import quote, quote_plus

from skillclaw.bench.redaction.cases import Half
from skillclaw.bench.redaction.makers_text import WORDS

__all__ = ["CARRIERS", "Carried", "Carrier", "carry"]

Carried = tuple[str, tuple[str, ...]]
Carrier = Callable[[str, tuple[str, ...], Random, Half], Carried | None]

LONG = 100_000  # characters around the value on a very long line
SHORT = 400  # the longest text that somebody puts into a URL
FILE = 3000  # the longest text that is wrapped in base64 here
INNER = 8  # the fewest characters of base64 that are a value for themselves
ESC = "\x1b["


def plain(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """The text as it is."""
    return text, values


def _json(text: str, ascii_only: bool) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def json_string(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """One string of a JSON object, as a tool's result is recorded; half of them with `\\u` escapes."""
    ascii_only = rng.random() < 0.5
    key, more = ("content", '"is_error":false') if half == "validation" else ("stdout", '"exit_code":0')
    body = _json(text, ascii_only)
    return f'{{"{key}":"{body}",{more}}}', tuple(_json(value, ascii_only) for value in values)


def json_in_json(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """A JSON text as a string of a JSON text."""
    key = "output" if half == "validation" else "result"
    inner = json.dumps({key: text, "truncated": False})
    return json.dumps({"type": "message", "body": inner}), tuple(
        _json(_json(value, True), True) for value in values
    )


def tool_call(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """The arguments of a tool call: a string of JSON (Chat Completions) or an object (Messages)."""
    command = text if half == "validation" else f"cat > notes.txt <<'EOT'\n{text}\nEOT"
    number = rng.randrange(16**12)
    if rng.random() < 0.5:
        function = {"name": "bash", "arguments": json.dumps({"command": command, "timeout": 60})}
        call = {"id": f"call_{number:x}", "type": "function", "function": function}
        return json.dumps(call), tuple(_json(_json(value, True), True) for value in values)
    use = {"type": "tool_use", "id": f"toolu_{number:x}", "name": "Bash", "input": {"command": command}}
    return json.dumps(use), tuple(_json(value, True) for value in values)


def url_query(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """A parameter of a URL, percent-encoded; short single lines only."""
    if "\n" in text or len(text) > SHORT:
        return None
    if half == "validation":
        return f"GET /search?q={quote_plus(text)}&page=2 HTTP/1.1", tuple(
            quote_plus(value) for value in values
        )
    encoded = quote(text, safe="")
    return f"https://logs.example.com/view?from=now-1h&text={encoded}", tuple(
        quote(value, safe="") for value in values
    )


def _shared(text: str, value: str) -> str | None:
    """The part of base64 of `text` that stands for bytes of `value` alone."""
    start = len(text[: text.index(value)].encode())
    end = start + len(value.encode())
    first, last = -(-start // 3) * 4, end // 3 * 4
    part = base64.b64encode(text.encode()).decode()[first:last]
    return part if len(part) >= INNER else None


def _in_base64(text: str, values: tuple[str, ...]) -> tuple[str, ...] | None:
    parts = [_shared(text, value) for value in values]
    return None if any(part is None for part in parts) else tuple(part for part in parts if part)


def base64_file(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """A small file in base64, as Kubernetes keeps it and as tools hand it to a shell."""
    parts = _in_base64(text, values) if len(text) <= FILE else None
    if parts is None:
        return None
    body = base64.b64encode(text.encode()).decode()
    if half == "validation":
        return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: files\ndata:\n  config: {body}\n", parts
    if rng.random() < 0.5:
        return f"echo {body} | base64 -d > /srv/settings", parts
    return json.dumps({"path": "settings", "encoding": "base64", "content": body}), parts


def base64_lines(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """A file in base64 in lines of 76 characters, as base64(1) and MIME write it."""
    parts = _in_base64(text, values) if len(text) <= FILE else None
    if parts is None:
        return None
    lines = wrap(base64.b64encode(text.encode()).decode(), 76)
    body = "".join(lines)
    pieces: list[str] = []
    for part in parts:
        start = body.index(part)
        for at in range(0, len(body), 76):
            piece = body[max(at, start) : max(start, min(at + 76, start + len(part)))]
            if len(piece) >= INNER:
                pieces.append(piece)
    head = "$ base64 settings\n" if half == "validation" else "Content-Transfer-Encoding: base64\n\n"
    return (head + "\n".join(lines) + "\n", tuple(pieces)) if pieces else None


def numbered(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """Lines with their numbers, as `cat -n` and agents' read tools print a file."""
    start = rng.randint(1, 300)
    rule = "{:6d}\t{}" if half == "validation" else "{:>5}→{}"
    return "\n".join(rule.format(start + at, line) for at, line in enumerate(text.split("\n"))), values


def diff(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """A unified diff that adds or removes the text."""
    sign = "+" if half == "validation" or rng.random() < 0.5 else "-"
    lines = [sign + line for line in text.split("\n")]
    old, new = (0, len(lines)) if sign == "+" else (len(lines), 0)
    at = rng.randint(1, 300)
    head = ["diff --git a/notes b/notes", "--- a/notes", "+++ b/notes"]
    head += [f"@@ -{at},{old + 1} +{at},{new + 1} @@", " begin"]
    return "\n".join([*head, *lines]), values


def colours(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """Terminal colours: around each value, or around the start of each line."""
    if half == "validation":
        for value in dict.fromkeys(values):
            text = text.replace(value, f"{ESC}32m{value}{ESC}0m")
        return text, values
    red, off = f"{ESC}01;31m{ESC}K", f"{ESC}m{ESC}K"
    if rng.random() < 0.5:
        return "\n".join(
            f"{ESC}35m{at}{ESC}0m:{line}" for at, line in enumerate(text.split("\n"), start=1)
        ), values
    for value in dict.fromkeys(values):
        text = text.replace(value, f"{red}{value}{off}")
    return text, values


def fence(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """A fenced block of Markdown with a sentence before it."""
    if half == "validation":
        return f"Here is what I see:\n\n```\n{text}\n```\n\nShall I go on?", values
    return f"~~~text\n{text}\n~~~\n\n- [x] checked\n- [ ] fixed", values


def log_lines(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """Each line behind a time and a level, as a log collector writes it."""
    hour, second = rng.randint(10, 19), rng.randint(10, 59)
    if half == "validation":
        head = f"2026-02-1{rng.randint(0, 9)}T{hour}:04:{second}.117Z INFO  worker-{rng.randint(1, 9)} "
    elif rng.random() < 0.5:
        head = f"Jan {rng.randint(10, 28)} {hour}:31:{second} app[{rng.randint(100, 9999)}]: "
    else:
        head = f"web-1  | {hour}:{second}:12 DEBUG "
    return "\n".join(head + line for line in text.split("\n")), values


def long_line(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """About 100,000 characters on one line, the text somewhere in it."""
    words = " ".join(rng.choices(WORDS, k=LONG // 7))
    cut = words.index(" ", rng.randrange(len(words) - 100))
    if "\n" in text:
        body = json.dumps(text)
        return f'{{"a":"{words[:cut]}","b":{body},"c":"{words[cut:]}"}}', tuple(
            _json(value, True) for value in values
        )
    return f"{words[:cut]} {text} {words[cut + 1 :]}", values


def crlf(text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """Lines that end in CR LF."""
    return "\r\n".join(text.split("\n")) + "\r\n", values


CARRIERS: dict[str, Carrier] = {
    "plain": plain,
    "json_string": json_string,
    "json_in_json": json_in_json,
    "tool_call": tool_call,
    "url_query": url_query,
    "base64_file": base64_file,
    "base64_lines": base64_lines,
    "numbered": numbered,
    "diff": diff,
    "colours": colours,
    "fence": fence,
    "log_lines": log_lines,
    "long_line": long_line,
    "crlf": crlf,
}


def carry(name: str, text: str, values: tuple[str, ...], rng: Random, half: Half) -> Carried | None:
    """The text in the carrier of that name; None where it does not fit."""
    return CARRIERS[name](text, values, rng, half)
