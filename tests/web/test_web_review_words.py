"""Every text of proposals and patterns has its Chinese, and values put into a text steer no reader."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from skillclaw.hub.approval import policy_of
from skillclaw.web.pages.patterns import SORTS
from skillclaw.web.pages.proposals import STATUSES
from skillclaw.web.site.language import translator, words

TEMPLATES = Path(str(files("skillclaw.web"))) / "templates"
TEXT = re.compile(r"""\bt\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")


@pytest.mark.parametrize("folder", ["proposals", "patterns"])
def test_every_text_of_the_templates_has_its_chinese(folder: str) -> None:
    texts = {
        one or two
        for path in (TEMPLATES / folder).glob("*.html")
        for one, two in TEXT.findall(path.read_text())
    }
    assert len(texts) > 20
    assert not texts - set(words("zh"))


def test_words_that_come_from_records_have_their_chinese() -> None:
    kinds = {"recovery", "correction", "procedure", "pitfall", "condition", "step", "fix", "fact", "script"}
    verdicts = {"pass", "hold", "reject", "n/a", "won", "lost", "tied", "void"}
    others = {"stable", "canary", "owner", "reviewer", "evolver", "member", "none"}
    policies = [policy_of({"policy": name}) for name in ("solo", "team", "strict")]
    assert not {*STATUSES, *SORTS, *kinds, *verdicts, *others, *policies} - set(words("zh"))


def test_a_value_in_a_text_is_escaped_and_made_legible() -> None:
    told = translator("en")("The hub {name} could not be read.", name="<b>\u202eevil")
    assert str(told) == "The hub &lt;b&gt;[U+202E]evil could not be read."
