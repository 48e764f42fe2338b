"""Edits of agents' settings files: JSON, JSON with comments, TOML, YAML, `.env`, of any text.

An edit is refused with a sentence, or gives a file that parses and differs in the one key only; undoing it
gives the bytes back that stood there. What somebody wrote beside it between stays, and the rest is as it was.
"""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

from fuzz_made import Drawn

from skillclaw.agents import Env, edits, texts, undo
from skillclaw.agents.records import Connection, FileEdit, WrittenFile
from skillclaw.errors import BadInputError

ALLOWED = (BadInputError,)
URL = "http://127.0.0.1:8787/probe"
PATH = Path("/nowhere/settings")
DICT = (
    b'"a": {',
    b"a:\n  b: ",
    b"[a]\n",
    b"[[a]]\n",
    b"a.b = ",
    b"export A=",
    b"# ",
    b"// ",
    b"/* */",
    b"&x ",
    b"*x",
)
BASES: dict[str, tuple[str, ...]] = {
    "json": (
        '{\n  "a": {\n    "b": "x",\n    "c": [1, {"d": null}]\n  },\n  "e": 1\n}\n',
        '{"a":{"b":1},"a":{}}',
        "",
    ),
    "json5": (
        "// one\n{\n  a: { // two\n    'b': 'x', // three\n    /* four */ },\n}\n",
        "{a: {c: [1,],}, 'e': +1}",
    ),
    "toml": (
        "x = 1\n[a]\nb = 'x' # why\n[[z]]\nq = 1979-05-27\n",
        "a = { b = 'x', c = [1, 2] }\n",
        "a.b = 1\na.c = 2\n",
    ),
    "yaml": (
        "# mine\na:\n  b: 'x' # why\n  c: |\n    t\n  d: [1, 2]\nz: &n 1\ny: *n\n",
        "a: {b: 1, c: }\n",
        "---\na:\n- 1\n",
    ),
    "env": ("A=1 # why\nexport B='x y'\nC=\"two\nlines\"\n", "\r\n A = `x`\r\n"),
}
FORMATS = sorted(BASES)
KEYS: tuple[tuple[str | int, ...], ...] = (
    ("a", "b"),
    ("b",),
    ("a",),
    ("a", "n", "m"),
    ("a", "c", 0),
    ("e", "é # x"),
)
VALUES: tuple[Any, ...] = (
    URL,
    "x: # '\"\\\n",
    "\u2028\x85\x00",
    {"b": [URL, 1]},
    True,
    7,
    [],
    ["a"],
    "",
    "é 漢",
)


def once(data: bytes) -> None:
    """One edit of one text, and back."""
    drawn = Drawn(data)
    format: Any = drawn.pick(FORMATS)
    keys = drawn.pick(KEYS) if format != "env" else (drawn.pick(("A", "B", "NEW", "C")),)
    value = drawn.pick(VALUES) if format != "env" else drawn.pick(VALUES[:3])
    item = drawn.yes(4)
    base = drawn.pick(BASES[format]).encode()
    before = drawn.rest() if drawn.yes(3) else drawn.torn(base)
    plan = edits.set_keys(PATH, before, format, {} if item else {keys: value}, {keys: value} if item else {})
    after = plan.after or b""
    _only_the_key_differs(before, after, format, keys, value, item)
    assert _undone(plan, before, after) == before
    noted = drawn.torn(after)
    try:
        back = _undone(plan, before, noted)
    except BadInputError:
        return
    if back != before and back != noted:
        # What an undo changes are the key that was set, and what was made around it.
        assert _else(_tree(back, format), keys, value, item) == _else(_tree(noted, format), keys, value, item)


def _tree(data: bytes, format: Any) -> Any:
    return texts.load(data.decode("utf-8"), format)


def _only_the_key_differs(
    before: bytes, after: bytes, format: Any, keys: tuple[str | int, ...], value: Any, item: bool
) -> None:
    old, new = _tree(before, format), _tree(after, format)
    had, held = texts.at(old, keys)
    wanted: Any = copy.deepcopy(value)
    if item:
        wanted = [*held, value] if isinstance(held, list) and value not in held else held or [value]
    if had and held == wanted:
        wanted = held
    assert texts.at(new, keys) == (True, wanted), (keys, wanted)
    # All else: with the key set in what stood there before, the two are one.
    node = old
    for key in keys[:-1]:
        below = texts.at(node, [key])[1]
        if below is None:
            assert isinstance(node, dict)
            below = node[key] = {}
        node = below
    node[keys[-1]] = wanted
    assert repr(old) == repr(new) or old == new


def _else(tree: Any, keys: tuple[str | int, ...], value: Any, item: bool) -> str:
    """What a tree holds beside the key (or beside our item in the list there), and empty things around it."""
    had, holder = texts.at(tree, keys[:-1])
    if had and texts.at(holder, keys[-1:])[0]:
        held = holder[keys[-1]]
        if item and isinstance(held, list):
            held[:] = [one for one in held if one != value]
        if not item or not held:
            holder[keys[-1]] = None
    return repr(_full(tree))


def _full(tree: Any) -> Any:
    if isinstance(tree, dict):
        kept = {name: _full(below) for name, below in tree.items()}
        return dict(sorted((str(name), below) for name, below in kept.items() if below not in (None, {})))
    return [_full(one) for one in tree] if isinstance(tree, list) else tree


def _undone(plan: FileEdit, before: bytes, now: bytes) -> bytes:
    written = WrittenFile(
        path=str(PATH),
        format=plan.format,
        written=hashlib.sha256(plan.after or b"").hexdigest(),
        stood=hashlib.sha256(before).hexdigest(),
        changes=plan.changes,
        original=before,
    )
    record = Connection(agent="probe", base_url=URL, files=[written])
    env = Env(home=Path("/nowhere"), environ={}, cwd=Path("/nowhere"), pending={PATH: now})
    made = undo.restore(env, record)
    return (made[0].after or b"") if made else now
