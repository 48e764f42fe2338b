"""One set of evidence for all that writes skills: sessions as ATIF, packaged in tests/data/evidence.

Two sets are cut from public collections, three were recorded by the proxy from real agents that did real work
against a scripted model. `evidence_select.py` and `evidence_record.py` make them again.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import zstandard

__all__ = ["FOLDER", "NAMES", "packed", "sessions"]

FOLDER = Path(__file__).parents[1] / "data" / "evidence"
NAMES = ("claude-code", "codex", "hermes", "taubench", "workbench")


def packed(name: str) -> Path:
    """The packaged file of the set `name`: JSON lines of ATIF, compressed."""
    if name not in NAMES:
        raise ValueError(f"there is no set of evidence {name!r}; known: {', '.join(NAMES)}")
    return FOLDER / f"{name}.jsonl.zst"


@cache
def _unpacked() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="evidence-")


@cache
def _lines(name: str) -> tuple[bytes, ...]:
    with packed(name).open("rb") as raw:
        return tuple(zstandard.ZstdDecompressor().stream_reader(raw).read().splitlines())


@cache
def _written(name: str) -> tuple[Path, ...]:
    folder = Path(_unpacked().name, name)
    folder.mkdir()
    found = []
    for number, line in enumerate(_lines(name)):
        path = folder / f"{number:04d}.json"
        path.write_bytes(line)
        found.append(path)
    return tuple(found)


def sessions(name: str) -> list[Path]:
    """The sessions of the set `name`, one ATIF document a file, in a folder that goes with the process."""
    return list(_written(name))
