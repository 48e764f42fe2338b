"""Which skill a request brings up, by names and descriptions alone."""

from __future__ import annotations

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.skills.retrieval import ENOUGH, MOST, Entry, Index, telling

LIBRARY = [
    Entry(name="git-push", description="Push branches that are behind: rebase first, then push."),
    Entry(name="calendar", description="Schedule, move and cancel meetings. Not for invoices or refunds."),
    Entry(name="billing", description="Send invoices, refund payments and answer billing questions."),
    Entry(name="bu-shu", description="部署服务到测试环境，检查日志。"),
]


def best(request: str) -> str:
    return next((hit.name for hit in Index(LIBRARY).find(request)), "")


def test_a_request_brings_up_the_skill_that_speaks_of_it() -> None:
    assert best("please cancel my meeting with Dana tomorrow at 3pm") == "calendar"
    assert best("my push was rejected, the branch is behind") == "git-push"
    assert best("帮我把服务部署到测试环境") == "bu-shu"
    assert best("what is the capital of France?") == ""


def test_other_forms_of_a_word_count_and_what_a_skill_is_not_for_does_not() -> None:
    assert best("the invoicing went wrong, a customer wants his refund") == "billing"
    drawn = {hit.name for hit in Index(LIBRARY).ranked("invoices and refunds")}
    assert "calendar" not in drawn


def test_values_and_frames_tell_nothing() -> None:
    assert telling("Can you use the tool to send 'Hello' to bob@example.org by 2026-11-23?") == [
        "tool",
        "send",
    ]


texts = st.text(alphabet=st.sampled_from("abcdefg 部署服务.\"'-_<>0"), max_size=60)


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.tuples(texts, texts), max_size=6), texts)
def test_scores_are_bounded_sorted_and_do_not_depend_on_the_order(
    entries: list[tuple[str, str]], request: str
) -> None:
    skills = [Entry(name=f"{n}-{name}", description=text) for n, (name, text) in enumerate(entries)]
    hits = Index(skills).ranked(request)
    assert hits == Index(list(reversed(skills))).ranked(request)
    assert all(0 < hit.score <= 1.000001 for hit in hits)
    assert hits == sorted(hits, key=lambda hit: (-hit.score, hit.name))
    found = Index(skills).find(request)
    assert len(found) <= MOST
    assert all(hit.score >= ENOUGH for hit in found)


@given(texts)
def test_a_description_is_most_like_itself(text: str) -> None:
    entry = Entry(name="x", description=text)
    hits = Index([entry, Entry(name="y", description="something else entirely")]).ranked(f"x. {text}")
    assert not telling(text) or hits[0].name == "x"
