"""Where the source takes bytes or text apart: the calls that decode, and the functions that make them.

A name counts by what it was imported as, and a decoder that is made once and kept (`_decoder`, also in
another module) where it is used. What the search cannot see is a decoder that is handed to a function.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import NamedTuple

from fuzzing.target import ROOT

__all__ = ["DECODE", "SOURCE", "Decoder", "decoders"]

SOURCE = ROOT / "src" / "skillclaw"
OUTSIDE_THE_LOOP = "bench/*"
"""Measurements on data sets that whoever runs them chose; nothing of it runs in a user's SkillClaw."""
DECODE = frozenset(
    [
        "msgspec.json.decode",
        "msgspec.json.Decoder",
        "msgspec.msgpack.decode",
        "msgspec.msgpack.Decoder",
        "msgspec.convert",
        "json.loads",
        "json.load",
        "json.JSONDecoder",
        "tomllib.loads",
        "tomllib.load",
        "tomlkit.parse",
        "tomlkit.loads",
        "yaml.compose",
        "yaml.load",
        "yaml.safe_load",
        "pyjson5.decode",
        "plistlib.load",
        "plistlib.loads",
        "csv.reader",
        "csv.DictReader",
        "configparser.ConfigParser",
        "base64.b64decode",
        "base64.urlsafe_b64decode",
        "base64.b32decode",
        "base64.b16decode",
        "binascii.a2b_base64",
        "binascii.unhexlify",
        "bytes.fromhex",
        "struct.unpack",
        "struct.unpack_from",
        "struct.Struct",
        "zlib.decompress",
        "zlib.decompressobj",
        "gzip.decompress",
        "gzip.open",
        "gzip.GzipFile",
        "lzma.decompress",
        "bz2.decompress",
        "zstandard.ZstdDecompressor",
        "zstandard.decompress",
        "zstd.ZstdDecompressor",
        "zstd.decompress",
        "zstd.reader",
        "zstd.size_of",
        "brotli.decompress",
        "brotli.Decompressor",
        "tarfile.open",
        "tarfile.TarInfo.frombuf",
        "zipfile.ZipFile",
        "sqlite3.connect",
        "record_in",
        "load_json",
        "json_stream",
        "FrameProtocol",
        "parse_stream",
        "MarkdownIt",
        "HTMLParser",
        "pickle.load",
        "pickle.loads",
        "marshal.loads",
        "ast.literal_eval",
        "urlsplit",
        "urlparse",
        "parse_qs",
        "parse_qsl",
        "shlex.split",
        "ElementTree.parse",
        "ElementTree.fromstring",
        "fromisoformat",
        "strptime",
        "parsedate_to_datetime",
        "email.message_from_bytes",
        "email.message_from_string",
        "request.form",
        "request.json",
    ]
)
"""Calls that take apart what they are given, as the source writes them."""
KEPT = frozenset(["msgspec.json.Decoder", "msgspec.msgpack.Decoder", "struct.Struct", "json.JSONDecoder"])
"""Makers of what is kept and used elsewhere: not their call decodes, but those of what they made."""
USES = frozenset(["decode", "decode_lines", "raw_decode", "unpack", "unpack_from", "iter_unpack"])
WHOLE = ("zstd.py",)
"""Wrappers that are decoders themselves: their callers are looked for, not what they are made of."""


class Decoder(NamedTuple):
    """One call: its name, its line, and the function around it, by its first line and its name (0 and none:
    it runs as the module is imported)."""

    call: str
    line: int
    function: int
    inside: str


@cache
def decoders() -> dict[str, list[Decoder]]:
    """The modules (below the package) with such calls, and which."""
    sources = {
        path.relative_to(SOURCE).as_posix(): path.read_text("utf-8")
        for path in sorted(SOURCE.rglob("*.py"))
        if not fnmatchcase(path.relative_to(SOURCE).as_posix(), OUTSIDE_THE_LOOP)
    }
    makers = _words(name.rpartition(".")[2] for name in KEPT)
    made = {name: _made(ast.parse(text)) for name, text in sources.items() if makers.search(text)}
    # A module without the words of any such call makes none: most need no parser.
    own = {one.rpartition(".")[2] for names in made.values() for one in names}
    trees = {name: ast.parse(text) for name, text in sources.items() if _may_decode(text, own)}
    found: dict[str, list[Decoder]] = {}
    for name, tree in trees.items():
        if name in WHOLE:
            continue
        imported = _imported(tree)
        kept = set(made.get(name, ()))
        for local, origin in imported.items():
            module, _, its = origin.rpartition(".")
            path = module.removeprefix("skillclaw.").replace(".", "/")
            if its in made.get(f"{path}.py", ()) or its in made.get(f"{path}/__init__.py", ()):
                kept.add(local)
        if met := list(_calls(tree, imported, kept)):
            found[name] = met
    return found


def _words(names: Iterable[str]) -> re.Pattern[str]:
    """Any of them, as a word of its own."""
    return re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, names)))})\b")


def _may_decode(text: str, own: set[str]) -> bool:
    """Whether the words of a call that decodes stand in `text`; `own`: names of decoders that are kept."""
    held = set(re.findall(r"\w+", text))
    makes = any(name.rpartition(".")[2] in held for name in KEPT) and not held.isdisjoint(USES)
    named = (name.split(".") for name in DECODE)
    return makes or not held.isdisjoint(own) or any({one[0], one[-1]} <= held for one in named)


def _calls(
    tree: ast.AST, imported: dict[str, str], kept: set[str], around: tuple[int, str] = (0, "")
) -> Iterator[Decoder]:
    for node in ast.iter_child_nodes(tree):
        inside = around
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # A function's code begins where its first decorator stands.
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            inside = (first, f"{around[1]}.{node.name}".lstrip("."))
        elif isinstance(node, ast.ClassDef):
            inside = (around[0], f"{around[1]}.{node.name}".lstrip("."))
        if isinstance(node, ast.Call) and (name := _decodes(node.func, imported, kept)):
            yield Decoder(name, node.lineno, *around)
        yield from _calls(node, imported, kept, inside)


def _decodes(node: ast.expr, imported: dict[str, str], kept: set[str]) -> str:
    """The name of the call, where it decodes."""
    dotted = _dotted(node)
    first, _, rest = dotted.partition(".")
    whole = f"{imported[first]}.{rest}".rstrip(".") if first in imported else dotted
    if dotted in kept or (rest in USES and first in kept):
        return dotted
    if isinstance(node, ast.Attribute) and node.attr in USES and isinstance(node.value, ast.Call):
        inner = _dotted(node.value.func)
        return inner if inner in KEPT else ""  # made and used in one go
    if whole in KEPT or dotted in KEPT:
        return ""
    names = (dotted, whole, whole.removeprefix("backports."), whole.removeprefix("skillclaw."))
    return next((name for name in (*names, whole.rpartition(".")[2]) if name in DECODE), "")


def _made(tree: ast.Module) -> set[str]:
    """Names (also `self.name`) that hold a decoder which was made to be kept."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            made = node.value.value if isinstance(node.value, ast.Attribute) else node.value
            if isinstance(made, ast.Call) and _dotted(made.func) in KEPT:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found.update(_dotted(target) for target in targets)
    return found


def _imported(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.update({one.asname or one.name: f"{node.module}.{one.name}" for one in node.names})
        elif isinstance(node, ast.Import):
            found.update({one.asname: one.name for one in node.names if one.asname})
    return found


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
