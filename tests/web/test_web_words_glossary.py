"""The glossary of the Chinese texts, at the top of `words/zh/frame.toml`, and that they follow it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import skillclaw.web
from skillclaw.web.site.language import words

FRAME = Path(skillclaw.web.__file__).parent / "words" / "zh" / "frame.toml"
LINE = re.compile(r"#   ([a-z -]+): (\S+), not ([^(\n]+?)(?: \(.*)?$", re.MULTILINE)


def glossary() -> dict[str, tuple[str, list[str]]]:
    return {
        term: (chinese, others.split()) for term, chinese, others in LINE.findall(FRAME.read_text("utf-8"))
    }


def of(term: str) -> re.Pattern[str]:
    """The term as a word, in its forms: canaries, releases, pinned, votes, rolled back."""
    first, _, rest = term.partition(" ")
    stem = first[:-1] if first[-1] in "ye" else first
    forms = rf"\b{stem}(?:{first[-1]}|{first[-1]}?(?:s|d|r)|ies|{stem[-1]}?ed|es)?\b"
    return re.compile(forms + (rf" {rest}s?\b" if rest else ""), re.IGNORECASE)


def wrong(english: str, chinese: str) -> list[str]:
    found = []
    for term, (_, others) in glossary().items():
        if term == "agent" and re.search(r"\bproxy\b", english, re.IGNORECASE):
            continue  # both words may stand there
        if term != "evolver" and term in "evolver" and re.search(r"\bevolver", english, re.IGNORECASE):
            continue
        if of(term).search(english):
            # what stands in braces is put in later, and is no Chinese
            plain = re.sub(r"{[^}]*}", "", chinese)
            found += [f"{term}: {one}" for one in others if one in plain]
    return found


def test_the_glossary_can_be_read() -> None:
    known = glossary()
    assert len(known) >= 40
    assert known["canary"] == ("灰度", ["金丝雀"])
    assert known["agent"] == ("智能体", ["代理"])
    assert not [term for term, (chinese, others) in known.items() if chinese in others]


@pytest.mark.parametrize(
    ("english", "chinese", "term"),
    [
        ("Take part in canaries", "参与金丝雀", "canary"),
        ("It is released.", "它已释放。", "release"),
        ("{n} vote|{n} votes", "{n} 次表决", "vote"),
        ("its evolver", "它的进化器", "evolver"),
        ("{name} was rolled back", "{name} 已回退", "roll back"),
        ("Reviewers decide", "由评审者决定", "reviewer"),
    ],
)
def test_another_word_for_a_term_is_found(english: str, chinese: str, term: str) -> None:
    assert [one.partition(":")[0] for one in wrong(english, chinese)] == [term]


def test_no_term_is_translated_by_another_word() -> None:
    found = {english: bad for english, chinese in words("zh").items() if (bad := wrong(english, chinese))}
    assert found == {}


def test_a_term_alone_is_what_the_glossary_says() -> None:
    found = {}
    for english, chinese in words("zh").items():
        for term, (wanted, _) in glossary().items():
            if of(term).fullmatch(english) and wanted not in chinese:
                found[english] = chinese
    assert found == {}
