"""Figures of the bench: shares, ratios, paired intervals; a small WorkBench of known truth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.bench.mine import summary
from skillclaw.bench.scoring import Held, compare, most_frequent, paired
from skillclaw.bench.taubench import measure_taubench
from skillclaw.bench.workbench import measure_workbench


def held(number: int, follows: bool, success: bool, task: str = "t") -> Held:
    return Held(f"s{number}", "template", task, f"u{number % 2}", follows, success)


def test_shares_and_ratio_are_those_of_followers_and_others() -> None:
    rows = [held(n, n < 8, n < 6 or n in (8, 9)) for n in range(16)]
    found = compare(rows)
    assert (found["match_success"], found["match_n"]) == (0.75, 8)
    assert (found["other_success"], found["other_n"]) == (0.25, 8)
    assert found["ratio"] == 3.0
    assert found["or_mh"] == pytest.approx(9.0)
    assert found["ci"] is None  # one template has no spread between templates


def test_nothing_to_compare_is_not_measured() -> None:
    found = compare([])
    assert found["match_success"] is None
    assert found["ratio"] is None
    assert found["or_mh"] is None
    assert paired([], {})["difference"] is None


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 4)), min_size=1, max_size=30))
def test_a_rule_does_not_differ_from_itself(rows: list[tuple[bool, bool, int]]) -> None:
    mine = [held(n, f, s, f"t{t}") for n, (f, s, t) in enumerate(rows)]
    found = paired(mine, {h.session: h.follows for h in mine})
    assert found["difference"] in (0.0, None)
    assert found["ci"] in ([0.0, 0.0], None)


def test_only_sessions_that_both_rules_serve_are_paired() -> None:
    mine = [held(n, True, n % 4 > 0, f"t{n // 4}") for n in range(40)]
    other = {h.session: h.success or n % 8 == 0 for n, h in enumerate(mine[:20])}
    found = paired(mine, other)
    assert (found["sessions"], found["tasks"], found["ours_n"]) == (20, 5, 20)
    assert found["ours"] == 0.75
    assert found["difference"] < 0
    assert found["ci"][0] <= found["difference"] <= found["ci"][1]
    assert paired(mine, other) == found


def test_a_sequence_seen_once_is_no_rule() -> None:
    rows = [("a", ("x",)), ("a", ("y",)), ("a", ("y",)), ("b", ("z",))]
    assert most_frequent(rows) == {"a": ("y",)}


def call(tool: str, observation: str, **args: str) -> dict[str, Any]:
    return {"tool": tool, "args": args, "thought": "", "observation": observation}


def office() -> list[dict[str, Any]]:
    """Two templates of ten tasks, six users. Moving tasks takes a look-up and an update, and most only look;
    a mail takes an address that was looked up."""
    rows = []
    names = ["amir", "olga", "kofi", "nadia", "yuki", "luis", "sofia", "raj", "lena", "carlos"]
    for number, name in enumerate(names):
        for user in range(6):
            looked = call("tasks.search", f"id 0000{number} of {name}", query=name)
            update = call("tasks.update", "Task updated.", id=f"0000{number}", list="Done")
            find = call("people.find", f"{name}.{name}@atlas.com", name=name)
            send = call("mail.send", "Sent.", to=f"{name}.{name}@atlas.com")
            guess = call("mail.send", "Sent.", to=f"{name}@atlas.com")
            moving = [looked, update] if user < 2 else [looked]
            mailing = [find, send] if user < 3 else [guess]
            for template, query, steps, success in (
                ("tasks", f"Move all open tasks of {name} to done", moving, user < 2 or number == 0),
                ("mail", f"Tell {name} by mail that we start", mailing, user < 3),
            ):
                rows.append(
                    {
                        "template_id": template, "task_id": f"{template}-{number:02}", "query": query,
                        "session_id": f"{template}-{number}-{user}", "model": f"m{user % 3}",
                        "toolset": "all" if user < 3 else "domains", "steps": steps, "final_output": "Done.",
                        "success": success, "reward": float(success), "domain": "x",
                    }
                )  # fmt: skip
    return rows


def test_a_small_office_is_measured_whole() -> None:
    found = measure_workbench(office())
    assert found["templates"] == 2
    assert found["match_success"] == 1.0
    assert found["other_success"] == 0.0
    assert found["least_users"] >= 2
    assert found["sessions_without_procedure"] == 0
    # Most of what succeeds, and most of all runs, is to look and to stop where one task needed no more.
    assert found["baseline"]["templates"] == 2
    assert found["baseline_all"]["match_success"] < found["match_success"]
    assert found["paired_baseline_all"]["difference"] > 0
    assert found["arguments"]["coverage"] == 1.0
    assert found["transfer"]["folds"] == 5
    text = summary({"workbench": found, "taubench": None, "planted": {
        "recall": None, "precision": None, "invented": 0, "seeds": 0}})  # fmt: skip
    assert "procedure, by its tool names" in text
    assert "100.0% of" in text


def dialogue(number: int, run: str, *, success: bool) -> dict[str, Any]:
    """One customer who cancels an order; whoever looks it up first succeeds."""
    names = ["get_order", "cancel_order"] if success else ["cancel_order"]
    order = f"#W{10_000 + number}"
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"Please cancel my order {order}."}]
    for name in names:
        function = {"name": name, "arguments": f'{{"order_id": "{order}"}}'}
        called = {"id": name, "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [called]})
        messages.append({"role": "tool", "tool_call_id": name, "name": name, "content": f"order {order}"})
    return {
        "session_id": f"{run}-{number}", "domain": "retail", "run": run, "task_id": number, "trial": 0,
        "messages": messages, "success": success, "reward": float(success), "trace_complete": True,
    }  # fmt: skip


def test_dialogues_are_split_by_task_and_what_was_not_recorded_is_left_out() -> None:
    rows = [dialogue(n, run, success=run != "c") for n in range(20) for run in ("a", "b", "c")]
    rows.append({**dialogue(9, "d", success=True), "trace_complete": False})
    found = measure_taubench(rows)
    assert found["sessions"] == 60
    assert found["tasks_total"] == 6
    assert (found["match_success"], found["other_success"]) == (1.0, 0.0)
    assert found["lessons"]["known"]
    text = summary({"workbench": None, "taubench": found, "planted": {
        "recall": None, "precision": None, "invented": 0, "seeds": 0}})  # fmt: skip
    assert "tau-bench, held-out tasks: 1 procedures" in text
