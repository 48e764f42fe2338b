"""The Chinese README says what the English one says: figures, outputs, links, sections. Their commands are
compared in test_docs_site.py."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md"))
BLOCK = re.compile(r"^```\n(.*?)^```", re.M | re.S)


def figures(text: str) -> set[str]:
    """Numbers of the prose: not those of commands, pictures and links."""
    prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", " ", text, flags=re.S)
    return set(re.findall(r"\d[\d,]*(?:\.\d+)?%?", prose))


def links(text: str) -> set[str]:
    return {link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("README")}


def outputs(text: str) -> list[str]:
    """What programs print, which is English in both."""
    return [block for block in BLOCK.findall(text) if block.startswith("$ ")]


def sections(text: str) -> list[str]:
    """How deep each heading is, in order."""
    return re.findall(r"^(#+) ", BLOCK.sub("", text), re.M)


def test_the_chinese_readme_is_in_step() -> None:
    assert outputs(CHINESE) == outputs(ENGLISH) != []
    assert sections(CHINESE) == sections(ENGLISH)
    assert links(ENGLISH) <= links(CHINESE)
    assert figures(ENGLISH) - figures(CHINESE) == set()
    assert ("make site" in CHINESE) == ("make site" in ENGLISH)
