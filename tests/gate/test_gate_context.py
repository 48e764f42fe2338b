"""One context for all proposals of a cycle, whatever policy their skills are under."""

from __future__ import annotations

from collections import Counter

from skillclaw.gate import POLICIES, GateContext


class Plain:
    """Masks nothing."""

    def text(self, text: str, /) -> tuple[str, Counter[str]]:
        return text, Counter()


def test_a_context_under_another_policy_reads_each_session_once() -> None:
    asked: list[str] = []

    def session(key: str) -> None:
        asked.append(key)

    context = GateContext(policy=POLICIES["team"], redactor=Plain(), sessions=session)
    strict = context.under(POLICIES["strict"])
    assert (strict.policy.name, context.policy.name) == ("strict", "team")
    assert context.under(POLICIES["team"]) is context
    assert [one.grounds("s1") for one in (strict, context, strict)] == [None, None, None]
    assert asked == ["s1"]
