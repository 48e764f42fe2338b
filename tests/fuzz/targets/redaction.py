"""Redaction of any text and of any session: it ends, masks the same twice, and keeps a session a session.

`redact(redact(x)) == redact(x)`; a secret of a known form that stands alone never comes through; time is
bounded for each input, whatever it repeats.
"""

from __future__ import annotations

from functools import cache
from pathlib import PurePosixPath

from fuzz_histories import atif_of, tree
from fuzz_made import Drawn, dumped, session

from skillclaw.journal.redact import Redactor
from skillclaw.trajectory import model

ALLOWED: tuple[type[Exception], ...] = ()
MOST_SECONDS = 4.0
SECRET = "ghp_" + "aZ09bY18cX27dW36eV45fU54gT63hS72iR81"
DICT = (
    b"password=",
    b"token: ",
    b"Authorization: Bearer ",
    b"sk-ant-api03-",
    b"AKIA",
    b"-----BEGIN PRIVATE KEY-----\n",
    b"https://u:p@h/",
    b"ada@example.com",
    b"+49 170 1234567",
    b"4111111111111111",
    b"/home/ada/",
    b"eyJhbGciOi",
    b"<secret:x:1>",
    b"\\n",
    b"\\u0041",
    b"&quot;",
    b"\x1b[0m",
    b"10.0.0.1",
    b"2001:db8::1",
    b"-u ada:",
    b"%41",
    SECRET.encode(),
)


@cache
def _redactor() -> Redactor:
    return Redactor(b"k" * 32, home=PurePosixPath("/home/ada"), user_names=["ada"])


def once(data: bytes) -> None:
    """One text, or one session of harmed values."""
    kind, rest = (data[0] % 4, data[1:]) if data else (0, b"")
    if kind == 0:
        _session(Drawn(rest))
        return
    text = rest.decode("utf-8", "replace")
    if kind == 3:
        text *= 1 + len(rest) % 7 * 40 if len(rest) < 400 else 1
    made, counts = _redactor().text(text)
    again, _ = _redactor().text(made)
    assert again == made, (text[:200], made[:200], again[:200])
    assert all(count > 0 for count in counts.values())
    alone, _ = _redactor().text(f"{text}\n{SECRET}\n")
    assert SECRET in text or SECRET not in alone


def _session(drawn: Drawn) -> None:
    path = tree().home / "x.json"
    path.write_bytes(dumped(drawn.harmed(session())))
    for found in atif_of(path):
        made = _redactor().trajectory(found)
        assert model.decode(model.encode(made)) == made
        again = _redactor().trajectory(made)
        assert model.meta(again).masked == model.meta(made).masked
        assert [step.message for step in again.steps] == [step.message for step in made.steps]
