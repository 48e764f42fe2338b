"""Whatever takes bytes or text from outside apart has a target: the source is searched for calls that do."""

from __future__ import annotations

import ast
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from fuzzing.target import FUZZ, ROOT, names

SOURCE = ROOT / "src" / "skillclaw"
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
        "yaml.load",
        "yaml.safe_load",
        "pyjson5.decode",
        "base64.b64decode",
        "base64.urlsafe_b64decode",
        "base64.b32decode",
        "struct.unpack",
        "zlib.decompress",
        "zlib.decompressobj",
        "gzip.decompress",
        "gzip.open",
        "gzip.GzipFile",
        "lzma.decompress",
        "bz2.decompress",
        "zstandard.ZstdDecompressor",
        "zstandard.decompress",
        "brotli.decompress",
        "brotli.Decompressor",
        "tarfile.open",
        "tarfile.TarInfo.frombuf",
        "zipfile.ZipFile",
        "sqlite3.connect",
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
        "request.form",
        "request.json",
    ]
)
"""Calls that take apart what they are given, as the source writes them."""
OUTSIDE_THE_LOOP = "bench/*"
"""Measurements on data sets that whoever runs them chose; nothing of it runs in a user's SkillClaw."""


def decoders() -> dict[str, list[str]]:
    """The modules (below the package) with such calls, and which."""
    found: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if fnmatchcase(name, OUTSIDE_THE_LOOP):
            continue
        calls = {
            _dotted(node.func)
            for node in ast.walk(ast.parse(path.read_bytes()))
            if isinstance(node, ast.Call)
        }
        if met := sorted(calls & DECODE):
            found[name] = met
    return found


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_every_decoder_has_a_target_or_a_reason() -> None:
    doors = tomllib.loads((FUZZ / "doors.toml").read_text("utf-8"))
    listed = [pattern for patterns in doors["targets"].values() for pattern in patterns] + list(
        doors["inside"]
    )
    assert sorted(doors["targets"]) == names(), "doors.toml names each target, and no other"
    known = decoders()
    missing = {
        module: calls
        for module, calls in known.items()
        if not any(fnmatchcase(module, pattern) for pattern in listed)
    }
    assert not missing, "modules that decode, and no target is named for them in tests/fuzz/doors.toml"
    stale = [one for one in listed if not any((SOURCE / "").glob(one))]
    assert not stale, "tests/fuzz/doors.toml names modules that are not there"
    assert all(len(reason) > 15 for reason in doors["inside"].values())


def test_what_is_looked_for_is_found_where_it_is_known_to_be() -> None:
    known = decoders()
    for module in (
        "wire/body.py",
        "skills/bundle.py",
        "server/backup/packing.py",
        "hub/log.py",
        "journal/segment.py",
    ):
        assert module in known, "the search has gone blind"
    assert Path(SOURCE, "wire/sse.py").exists()
