"""What users' messages say, measured on two corpora.

`user_messages.tsv` the rules were made with. `user_messages_unseen.tsv` was written afterwards and read once:
its figures are what to expect of words that nobody thought of. The bounds are what was measured.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.trajectory.feedback import (
    accepts,
    asks_why,
    confirms,
    consents,
    correction_text,
    corrects,
    interrupts,
    repeats,
)

HERE = Path(__file__).parent


def corpus(name: str, language: str) -> list[tuple[str, str]]:
    lines = (HERE / name).read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    return [(label, text) for found, label, text in rows if found == language]


def precision_recall(pairs: list[tuple[bool, bool]]) -> tuple[float, float]:
    """Of (said, true)."""
    hits = sum(said and true for said, true in pairs)
    return hits / sum(said for said, _ in pairs), hits / sum(true for _, true in pairs)


@pytest.mark.parametrize(
    ("name", "language", "precision", "recall"),
    [
        ("user_messages.tsv", "en", 0.95, 0.95),
        ("user_messages.tsv", "zh", 0.95, 0.95),
        ("user_messages_unseen.tsv", "en", 0.95, 0.5),
        ("user_messages_unseen.tsv", "zh", 0.95, 0.4),
    ],
)
def test_corrections_are_told_from_other_messages(
    name: str, language: str, precision: float, recall: float
) -> None:
    rows = [(label, text) for label, text in corpus(name, language) if label not in {"reask", "further"}]
    assert len(rows) >= 45
    found = precision_recall([(corrects(text), label == "correction") for label, text in rows])
    assert found[0] >= precision
    assert found[1] >= recall


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_same_request_is_told_from_a_further_one(language: str) -> None:
    rows = [r for r in corpus("user_messages.tsv", language) if r[0] in {"reask", "further"}]
    assert len(rows) >= 10
    for label, text in rows:
        before, after = text.split(" => ")
        assert repeats(before, after) is (label == "reask"), text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_approval_is_told_from_other_messages(language: str) -> None:
    rows = [r for r in corpus("user_messages.tsv", language) if r[0] not in {"reask", "further", "yes"}]
    precision, recall = precision_recall([(accepts(text), label == "accept") for label, text in rows])
    assert precision >= 0.9
    assert recall >= 0.9


@pytest.mark.parametrize(
    "words",
    [
        "no problem",
        "No, that's all for now. Thanks! ###STOP###",
        "No... that's all, thank you.",
        "don't forget to also update the docs",
        "不是问题",
        "别忘了也更新一下文档",
        "不错",
        'Write an error message that says "you forgot your password".',
        "```\nNo, that is wrong\n```",
    ],
)
def test_what_only_looks_like_a_correction_is_none(words: str) -> None:
    assert not corrects(words)


@pytest.mark.parametrize(
    "words",
    [
        "Why do you not use pnpm instead of npm? Is npm better?",
        "How come you don't use pnpm?",
        "So why aren't you running the tests?",
        "What is the reason you chose npm?",
        "Warum nutzt du npm statt pnpm?",
        "為什麼你不用 pnpm？npm 更好吗？",
    ],
)
def test_a_question_for_reasons_is_no_correction(words: str) -> None:
    assert asks_why(words) and not corrects(words)


@pytest.mark.parametrize(
    "words",
    [
        "Why don't you use pnpm? Use pnpm instead.",
        "Why do you use npm when I told you to use pnpm?",
        "Why do you still use npm?",
        "No. Why don't you use pnpm?",
        "Why did you use npm?",
        "你为什么又不用 pnpm？",
    ],
)
def test_a_reproach_that_is_put_as_a_question_is_one(words: str) -> None:
    assert corrects(words) and not asks_why(words)


@pytest.mark.parametrize(
    "words",
    [
        "could you use pnpm instead of npm?",
        "Why don't you use pnpm? Can we use it?",
        "Why do you not run it? `pnpm install`",
        "Warum nutzt du npm? Nutze bitte pnpm.",
    ],
)
def test_who_also_asks_for_something_does_not_only_ask_why(words: str) -> None:
    assert not asks_why(words)


@pytest.mark.parametrize("words", ["No, keep it.", "Use the gift card instead.", "Don't cancel the rest."])
def test_directions_after_a_question_are_answers(words: str) -> None:
    assert corrects(words)
    assert not corrects(words, asked=True)


def test_a_verdict_after_a_question_still_corrects() -> None:
    assert corrects("That's not what I asked for.", asked=True)


def test_consent_is_no_word_about_the_result() -> None:
    assert consents("Yes, go ahead.")
    assert not confirms("Yes, go ahead.")
    assert confirms("Perfect, it works now.")
    assert confirms("搞定了，多谢")
    assert not confirms("Does it work now?")


def test_the_sentence_that_corrects_is_kept_as_written() -> None:
    assert correction_text("Thanks. No, use pnpm instead. It is faster.") == "No, use pnpm instead."
    assert correction_text("谢谢。不對，我要的是第二欄。") == "不對，我要的是第二欄。"


def test_other_scripts_are_compared_by_words() -> None:
    assert not repeats("пришлите отчёт по продажам", "пришлите отчёт о доставке вчера")
    assert repeats("пришлите отчёт по продажам", "пришлите отчёт по продажам!")


@given(st.text(max_size=400), st.booleans())
def test_any_text_can_be_read(text: str, asked: bool) -> None:
    says_no = corrects(text, asked=asked)
    assert isinstance(says_no, bool)
    assert not (corrects(text) and accepts(text))
    assert not (confirms(text) and consents(text) and not accepts(text))
    assert len(correction_text(text)) <= 200
    interrupts(text)


@given(
    st.lists(
        st.sampled_from(["send", "the", "report", "to", "ben", "17", "请", "报告", "发给", "小王"]),
        max_size=12,
    )
)
def test_a_message_of_enough_words_repeats_itself(words: list[str]) -> None:
    text = " ".join(words)
    assert repeats(text, text) is repeats(text, text + "!")
