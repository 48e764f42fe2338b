"""Unit files as systemd reads them (systemd.syntax(7)): sections, keys that repeat, words, specifiers."""

from __future__ import annotations

from collections import defaultdict


def read(text: str) -> dict[str, dict[str, list[str]]]:
    """Each section's keys with all their values. A line that is none of a unit file fails."""
    unit: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    section = ""
    for line in text.split("\n"):
        if not line.strip() or line[0] in "#;":
            continue
        if line.startswith("["):
            assert line.endswith("]"), line
            section = line[1:-1]
            continue
        key, equals, value = line.partition("=")
        assert section and equals and key.isalnum(), line
        assert not value.endswith("\\"), line
        unit[section][key].append(value)
    return unit


def words(text: str, *, variables: bool = False) -> list[str]:
    """The words of a value in double quotes, with specifiers, and with `variables` dollars, taken back."""
    found, at = [], 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        assert text[at] == '"', text
        at, word = at + 1, ""
        while text[at] != '"':
            if text[at] == "\\":
                at += 1
                assert text[at] in '\\"', text
            elif text[at] == "%":
                at += 1
                assert text[at] == "%", text
            elif text[at] == "$" and variables:
                at += 1
                assert text[at] == "$", text
            word += text[at]
            at += 1
        at += 1
        found.append(word)
    return found
