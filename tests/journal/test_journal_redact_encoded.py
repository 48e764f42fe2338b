"""Secrets that stand encoded: in base64, in dumps, in listings with line numbers, in diffs."""

# ruff: noqa: E501  (one case a line reads best)

from __future__ import annotations

import base64
import json
import textwrap
from pathlib import PurePosixPath
from urllib.parse import quote

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.journal.redact import Redactor

REDACTOR = Redactor(b"k" * 32, home=PurePosixPath("/home/alice"), user_names=["alice"])
SECRET = "hunt" + "er2Z9xQ"
TOKEN = "gh" + "p_" + "a1B2c3D4e5" * 4
FILE = f"# settings\nDB_HOST=db.internal\nDB_PASSWORD={SECRET}\nGITHUB={TOKEN}\nPORT=5432\n"
PEM = "-----BEGIN RSA PRIVATE" + " KEY-----\n" + "\n".join(["MIIEow" + "IBAAKCAQEA1x9" * 4 + "ab"] * 5) + "\n-----END RSA PRIVATE" + " KEY-----\n"  # fmt: skip


def b64(text: str, coding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(coding)).decode()


def hexdump(data: bytes) -> str:
    """As `hexdump -C` prints it."""
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        left = " ".join(f"{b:02x}" for b in row[:8])
        right = " ".join(f"{b:02x}" for b in row[8:])
        shown = "".join(chr(b) if 32 <= b < 127 else "." for b in row)
        lines.append(f"{at:08x}  {left:<23}  {right:<23}  |{shown}|")
    return "\n".join([*lines, f"{len(data):08x}"])


def xxd(data: bytes) -> str:
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        groups = " ".join(row[i : i + 2].hex() for i in range(0, len(row), 2))
        shown = "".join(chr(b) if 32 <= b < 127 else "." for b in row)
        lines.append(f"{at:08x}: {groups:<39}  {shown}")
    return "\n".join(lines)


def od_c(data: bytes) -> str:
    names = {10: "\\n", 9: "\\t", 13: "\\r"}
    lines = []
    for at in range(0, len(data), 16):
        cells = "".join(
            f"{names.get(b, chr(b) if 32 <= b < 127 else f'{b:03o}'):>4}" for b in data[at : at + 16]
        )
        lines.append(f"{at:07o}{cells}")
    return "\n".join(lines)


CARRIERS = {
    "base64 of a file": f"$ base64 -w0 .env\n{b64(FILE)}\n$",
    "base64, wrapped at 76": f"$ base64 .env\n{textwrap.fill(b64(FILE), 76)}\n$",
    "base64, wrapped, in JSON": json.dumps({"output": textwrap.fill(b64(FILE), 76) + "\n"}),
    "base64, url-safe": "config=" + base64.urlsafe_b64encode(FILE.encode()).decode().rstrip("="),
    "base64 in base64": f"x: {b64('data: ' + b64(FILE))}",
    "base64 of UTF-16, as PowerShell has it": f"powershell -EncodedCommand {b64(FILE, 'utf-16-le')}",
    "base64 of a private key": f"key: {b64(PEM)}",
    "data URL": f"data:text/plain;base64,{b64(FILE)}",
    "Kubernetes secret": f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ntype: Opaque\ndata:\n  config.env: {b64(FILE)}\n",
    "Kubernetes secret, JSON": json.dumps({"kind": "Secret", "data": {".env": b64(FILE)}}),
    "docker config": json.dumps({"auths": {"reg.acme.io": {"auth": b64(f"bob:{SECRET}")}}}),
    "hexdump -C": hexdump(FILE.encode()),
    "hexdump -C in JSON": json.dumps({"stdout": hexdump(FILE.encode())}),
    "xxd": xxd(FILE.encode()),
    "xxd in JSON in JSON": json.dumps({"x": json.dumps({"y": xxd(FILE.encode())})}),
    "xxd -p": f"$ xxd -p .env\n{textwrap.fill(FILE.encode().hex(), 60)}\n",
    "od -c": od_c(FILE.encode()),
    "cat -n": "\n".join(f"{n:6d}\t{line}" for n, line in enumerate(FILE.splitlines(), 1)),
    "grep -n": "\n".join(f"{n}:{line}" for n, line in enumerate(FILE.splitlines(), 1)),
    "diff, added": "\n".join("+" + line for line in FILE.splitlines()),
    "diff, removed": "\n".join("-" + line for line in FILE.splitlines()),
    "JSON in JSON": json.dumps({"a": json.dumps({"b": json.dumps({"DB_PASSWORD": SECRET, "t": TOKEN})})}),
    "URL": f"https://app.acme.io/cb?state=1&password={SECRET}&token={TOKEN}&x=2",
    "URL, encoded": "https://app.acme.io/?next=" + quote(f"https://x/?access_token={TOKEN}&password={SECRET}", safe=""),
    "private key in a diff, removed": "\n".join("-" + line for line in PEM.splitlines()),
    "private key with line numbers": "\n".join(f"{n:6d}\t{line}" for n, line in enumerate(PEM.splitlines(), 1)),
    "private key in JSON in JSON": json.dumps({"x": json.dumps({"key": PEM})}),
    "private key, indented": textwrap.indent(PEM, "      "),
}  # fmt: skip


@pytest.mark.parametrize("carrier", CARRIERS)
def test_no_form_of_the_secret_is_left(carrier: str) -> None:
    text = CARRIERS[carrier]
    masked, counts = REDACTOR.text(text)
    assert counts
    for value in (SECRET, TOKEN, PEM.splitlines()[1]):
        forms = [value, value.encode().hex(), *(b64("\0" * n + value).rstrip("=")[4:-4] for n in range(3))]
        flat = "".join(masked.split()).replace("\\n", "")
        for form in forms:
            assert form[:14] not in flat and form[-10:] not in flat, masked
    assert REDACTOR.text(masked) == (masked, {})


HARMLESS = [
    f"logo: data:image/png;base64,{base64.b64encode(bytes(range(256)) * 3).decode()}",
    b64("Hello world, this is a long text about nothing in particular."),
    hexdump(b"\x7fELF" + bytes(range(60))),
    xxd(b"just a plain file with words and 12 numbers\n"),
    "00000000: 4865 6c6c 6f20 776f 726c 6421            Hello world!",
    "AbstractSingletonProxyFactoryBeanImplementation",
    "node_modules/react-dom/cjs/react-dom-server.node.production.min.js",
    "kind: ConfigMap\ndata:\n  mode: cHJvZHVjdGlvbg==\n",
    '"integrity": "sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg=="',
    "3f786850e387550fdab836ed7e6dc881de23001b " * 3,
    "0000000 0000001 0000002 0000003",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_blobs_and_dumps_without_a_secret_stay(text: str) -> None:
    assert REDACTOR.text(text) == (text, {})


PIECES = st.sampled_from(
    [f"password={SECRET}", TOKEN, "\n", "x" * 20, "ü", "0000", "  |", "user: bob@acme.com", " "]
)


@settings(max_examples=examples(80), deadline=None)
@given(st.lists(PIECES, max_size=6).map("".join), st.sampled_from([b64, lambda t: hexdump(t.encode()), lambda t: xxd(t.encode()), lambda t: t.encode().hex(), od_c]), st.integers(0, 12))  # fmt: skip
def test_encoded_texts_masked_twice_are_masked_once(text: str, encode: object, cut: int) -> None:
    if encode is od_c:
        given_text = od_c(text.encode())
    else:
        assert callable(encode)
        given_text = str(encode(text))
    once, _ = REDACTOR.text(given_text[cut:])
    assert REDACTOR.text(once) == (once, {})
