"""The minimal agent against a real server on loopback, recorded by the real proxy."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from agents_desk import BODY, WORD, Desk, proxied, skill, talk
from chat_model import ChatModel, Raw, call, calls, script, text

from skillclaw.bench.suites.model import ToolResult
from skillclaw.errors import UsageError
from skillclaw.headless.agents import NAMES, load_agent
from skillclaw.headless.agents.skillbook import pick, read_skills
from skillclaw.trajectory.model import meta
from skillclaw.trajectory.skilluse import credit, known_bodies

# --- the minimal agent


def test_the_agent_calls_tools_until_the_model_answers_in_words(tmp_path: Path) -> None:
    desk = Desk()
    steps = script(
        call("note", word="a"), calls(("note", '{"word": "b"}'), ("note", '{"word": "c"}')), text("ok")
    )
    with ChatModel(steps) as model, talk(model, tmp_path, desk, temperature=0) as conversation:
        reply = conversation.say("Note a, b and c.")
    assert (reply.text, reply.steps, reply.error) == ("ok", 3, "")
    assert (reply.tokens_in, reply.tokens_out) == (300, 30)
    assert desk.words == ["a", "b", "c"]
    roles = [message["role"] for message in conversation.transcript]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool", "tool", "assistant"]
    assert [m["content"] for m in conversation.transcript if m["role"] == "tool"] == [
        "1 words",
        "2 words",
        "3 words",
    ]
    assert model.seen[0]["tools"][0]["function"] == {
        "name": "note",
        "description": "Write a word down.",
        "parameters": WORD,
    }
    assert {(r["temperature"], r["seed"], r["max_tokens"], r["model"]) for r in model.seen} == {
        (0, 3, 512, "m")
    }
    for before, after in zip(model.seen, model.seen[1:], strict=False):
        assert after["messages"][: len(before["messages"])] == before["messages"], "what was said stands"
    assert len({header["x-session-id"] for header in model.headers}) == 1
    assert model.headers[0]["authorization"] == "Bearer secret-key"


def test_a_correction_goes_on_with_the_same_conversation(tmp_path: Path) -> None:
    def answer(request: Any) -> Any:
        corrected = "No, b." in [message["content"] for message in request["messages"]]
        return script(call("note", word="b" if corrected else "a"), text("ok"))(request)

    desk = Desk()
    with ChatModel(answer) as model, talk(model, tmp_path, desk) as conversation:
        assert conversation.say("Note a word.").steps == 1
        assert conversation.say("No, b.").steps == 1
    assert desk.words == ["a", "b"]
    said = [m["content"] for m in model.seen[-1]["messages"] if m["role"] == "user"]
    assert said == ["Note a word.", "No, b."]
    assert len({header["x-session-id"] for header in model.headers}) == 1


def test_what_is_the_same_for_all_tasks_stands_first_in_the_prompt(tmp_path: Path) -> None:
    skill(tmp_path, "note-words", "Note a word at the desk", "Words are noted in lower case.")
    with ChatModel(script(text("ok"))) as model:
        for words in ("Note a word at the desk.", "Count the sheep."):
            with talk(model, tmp_path) as conversation:
                conversation.say(words)
    with_skill, without = (request["messages"][0]["content"] for request in model.seen)
    assert with_skill.startswith(without)
    assert len(with_skill) > len(without)
    assert model.seen[0]["tools"] == model.seen[1]["tools"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (Raw(b'{"error": {"message": "no such model"}}', 404), "404: no such model"),
        (Raw(b"<html>overloaded</html>", 503), "503"),
        (Raw(b"not json"), "no Chat Completions answer: not json"),
        (Raw(b'{"choices": []}'), "no Chat Completions answer"),
        (Raw(b'{"choices": [{"message": {"tool_calls": [7]}}]}'), "no Chat Completions answer"),
        (Raw(b""), "no Chat Completions answer: (nothing)"),
    ],
)
def test_a_broken_server_is_an_error_of_the_reply_and_the_next_word_is_tried(
    tmp_path: Path, given: Raw, told: str
) -> None:
    answers = iter([given, text("there again")])
    with ChatModel(lambda _: next(answers)) as model, talk(model, tmp_path) as conversation:
        reply = conversation.say("Note a word.")
        assert told in reply.error
        assert "secret-key" not in reply.error
        assert conversation.say("Try again.").text == "there again"


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with talk(f"http://127.0.0.1:{port}/v1", tmp_path) as conversation:
        assert "could not be reached" in conversation.say("Note a word.").error
    with talk("nonsense", tmp_path) as conversation:
        assert "could not be reached" in conversation.say("Note a word.").error


@pytest.mark.parametrize("slow", [Raw(b"{}", wait=3.0), Raw(b" " * 1000, drip=0.05)])
def test_the_time_of_the_task_ends_the_conversation(tmp_path: Path, slow: Raw) -> None:
    with ChatModel(lambda _: slow) as model, talk(model, tmp_path, timeout=0.4) as conversation:
        began = time.monotonic()
        first = conversation.say("Note a word.")
        assert first.late and not first.error, "it is the agent that was too slow"
        assert time.monotonic() - began < 2
        again = conversation.say("Well?")
        assert again.late and not again.error
    assert len(model.seen) == 1


def test_the_same_call_with_the_same_result_three_times_ends_it(tmp_path: Path) -> None:
    with (
        ChatModel(lambda _: call("note", word="a")) as model,
        talk(model, tmp_path) as conversation,
    ):
        reply = conversation.say("Note a word.")
        assert "same result 3 times" in reply.text
        assert (reply.steps, reply.error, len(model.seen)) == (3, "", 3)
        assert conversation.say("Stop that.").steps == 3, "what was repeated before counts no more"


def test_the_limit_of_steps_ends_it_with_a_result_for_each_call(tmp_path: Path) -> None:
    count = iter(range(1000))
    desk = Desk()
    two = lambda _: calls(*(("note", json.dumps({"word": f"w{next(count)}"})) for _ in range(2)))  # noqa: E731
    with ChatModel(two) as model, talk(model, tmp_path, desk, steps=3) as conversation:
        reply = conversation.say("Note words.")
    assert "3 tool calls" in reply.text
    assert reply.steps == len(desk.words) == 3
    asked = [made["id"] for m in conversation.transcript for made in m.get("tool_calls", [])]
    assert len(asked) == len([m for m in conversation.transcript if m["role"] == "tool"]) == 4


def test_arguments_that_are_no_json_are_told_to_the_model(tmp_path: Path) -> None:
    steps = script(
        calls(("note", '{"word": ')), calls(("note", "[1]")), calls(("nothing", "{}")), text("sorry")
    )
    with ChatModel(steps) as model, talk(model, tmp_path) as conversation:
        assert conversation.say("Note a word.").text == "sorry"
    results = [m["content"] for m in conversation.transcript if m["role"] == "tool"]
    assert "not JSON" in results[0]
    assert "JSON object" in results[1]
    assert "no such tool" in results[2]
    for message in model.seen[-1]["messages"]:
        for made in message.get("tool_calls", []):
            json.loads(made["function"]["arguments"])


def test_long_results_are_shown_with_their_ends(tmp_path: Path) -> None:
    desk = Desk()
    desk.call = lambda name, arguments: ToolResult(text="a" * 9000 + "END")  # type: ignore[method-assign]
    with (
        ChatModel(script(call("note", word="a"), text("ok"))) as model,
        talk(model, tmp_path, desk) as talked,
    ):
        talked.say("Note a word.")
    shown = next(m["content"] for m in model.seen[-1]["messages"] if m["role"] == "tool")
    assert len(shown) < 4200
    assert shown.endswith("END")


# --- its skills, as SkillClaw records them


def test_skills_in_the_prompt_are_recorded_as_offered_and_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    whole = skill(home, "note-words", "How to note a word at the desk", BODY)
    skill(home, "shear-sheep", "How to shear sheep in spring", "Use shears.")
    steps = script(call("note", word="a"), text("ok"))
    with (
        ChatModel(steps) as model,
        proxied(tmp_path, {"generic": model.url}) as (url, sessions),
        talk(f"{url}/generic", home) as conversation,
    ):
        conversation.say("Please note the word owl at the desk.")
    (session,) = [credit(one, known_bodies("team", "v1", whole)) for one in sessions]
    (use,) = meta(session).skills
    assert (use.name, use.offered, use.version, use.invoked_step) == ("note-words", True, "v1", None)
    assert use.read_step is not None
    messages = model.seen[0]["messages"]
    assert "~/.agents/skills/note-words/SKILL.md" in messages[0]["content"]
    assert [m["content"] for m in messages if m["role"] == "user"][-1].startswith("Please note")
    tasks = [step.message for step in session.steps if step.source == "user"]
    assert "Please note the word owl at the desk." in tasks


def test_skills_on_offer_are_recorded_as_offered_and_those_read_as_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    whole = skill(home, "note-words", "How to note a word at the desk", BODY, ".claude/skills")
    skill(home, "shear-sheep", "How to shear sheep in spring", "Use shears.")
    steps = script(
        call("read_skill", name="no-such"),
        call("read_skill", name="note-words"),
        call("note", word="a"),
        text("ok"),
    )
    with (
        ChatModel(steps) as model,
        proxied(tmp_path, {"generic": model.url}) as (url, sessions),
        talk(f"{url}/generic", home, skills="offer") as conversation,
    ):
        reply = conversation.say("Please note the word owl at the desk.")
    assert reply.steps == 3
    (session,) = [credit(one, known_bodies("team", "v1", whole)) for one in sessions]
    uses = {use.name: use for use in meta(session).skills}
    assert uses["shear-sheep"].offered
    assert uses["shear-sheep"].read_step is None
    assert uses["note-words"].offered
    assert (uses["note-words"].version, uses["note-words"].read_step is not None) == ("v1", True)
    results = [m["content"] for m in model.seen[-1]["messages"] if m["role"] == "tool"]
    assert results[1] == whole
    assert "note-words" in results[0]


def test_skills_none_and_no_skills_leave_the_prompt_alone(tmp_path: Path) -> None:
    skill(tmp_path, "note-words", "How to note a word at the desk", BODY)
    with ChatModel(script(text("ok"))) as model:
        for home, mode in ((tmp_path, "none"), (tmp_path / "empty", "inline"), (tmp_path / "empty", "offer")):
            with talk(model, home, skills=mode) as conversation:
                conversation.say("Please note a word at the desk.")
    assert len({json.dumps([r["messages"], r["tools"]]) for r in model.seen}) == 1


def test_words_of_every_task_alone_make_no_skill_fit(tmp_path: Path) -> None:
    """With few skills, what the task is about is in none of them."""
    about = '"Rules for {0}: run {0} with {1}. Use when you are about to run it. As for requests like: {2}"'
    shifts = "Write the shifts of … into … prints shifts, with --day those of one day."
    pages = "Find the handbook pages about … with … and save them."
    skill(tmp_path, "rota-know-how", about.format("rota", "--zone utc", shifts), "Use UTC.")
    skill(tmp_path, "seek-know-how", about.format("seek", "--index live", pages), "Use live.")
    known = read_skills(tmp_path)
    assert len(known) == 2
    total = (
        "What is the total of all orders of 2026-03? Write the number into out.txt. `orders total` prints it."
    )
    assert pick(known, total, 2) == []
    own = (
        "Write the shifts of 2026-03-02 into out.txt. `rota list` prints shifts, with --day those of one day."
    )
    assert [one.name for one in pick(known, own, 2)] == ["rota-know-how"]
    own = "Find the handbook pages about travel with `seek find` and save them in found.txt."
    assert [one.name for one in pick(known, own, 2)] == ["seek-know-how"]


def test_the_skills_that_fit_best_are_picked_and_what_is_no_skill_is_passed_over(tmp_path: Path) -> None:
    skill(tmp_path, "post-message", "Post a message to a chat channel of the team", "Prefix it.")
    skill(tmp_path, "export-report", "Export a report with times in UTC", "Use UTC.")
    skill(tmp_path, "lease-first", "Take a lease before a deployment of a service", "desk lease.")
    skill(tmp_path, "lease-first", "Another of this name", "no", ".claude/skills")
    broken = tmp_path / ".agents/skills/broken/SKILL.md"
    broken.parent.mkdir()
    broken.write_bytes(b"\xff no frontmatter")
    known = read_skills(tmp_path)
    assert [one.name for one in known] == ["export-report", "lease-first", "post-message"]
    assert known[1].path == "~/.agents/skills/lease-first/SKILL.md"

    def picked(words: str) -> list[str]:
        return [one.name for one in pick(known, words, 2)]

    assert picked("Post the message 'hi all' to the channel ops.") == ["post-message"]
    assert picked("Deploy: first take the lease of the service, then start the deployment.") == [
        "lease-first"
    ]
    assert picked("Export the reports of May, and post a message about it to the channel.") == [
        "export-report",
        "post-message",
    ] or picked("Export the reports of May, and post a message about it to the channel.") == [
        "post-message",
        "export-report",
    ]
    assert picked("Water the plants.") == []
    assert picked("") == []


def test_bodies_in_the_prompt_stay_within_their_budget(tmp_path: Path) -> None:
    long = "\n".join(f"- Word number {n} is noted at the desk in lower case." for n in range(400))
    skill(tmp_path, "note-words", "How to note a word at the desk", long)
    skill(tmp_path, "desk-words", "Words at the desk", "Short.")
    with ChatModel(script(text("ok"))) as model, talk(model, tmp_path) as conversation:
        conversation.say("Please note a word at the desk.")
    blocks = [m["content"] for m in model.seen[0]["messages"] if m["content"].startswith("<skill-context")]
    assert sum(len(block) for block in blocks) < 4000
    assert "too long" in blocks[0] or "too long" in blocks[-1]


def test_the_skill_that_fits_best_stands_nearest_to_the_task(tmp_path: Path) -> None:
    skill(tmp_path, "note-words", "How to note a word", "Best.")
    skill(tmp_path, "desk-words", "A word about the garden, the plants and the desk", "Second.")
    with ChatModel(script(text("ok"))) as model, talk(model, tmp_path) as conversation:
        conversation.say("Please note a word at the desk.")
    said = [message["content"] for message in model.seen[0]["messages"]]
    assert [text for text in ("Best.", "Second.") if text in said[-2]] == ["Best."]
    assert "Second." in said[-3]
    assert said[-1] == "Please note a word at the desk."


# --- which agents there are


def test_agents_are_known_by_name_and_what_is_not_known_is_told(tmp_path: Path) -> None:
    assert NAMES == ("minimal", "claude-code", "codex", "hermes", "openclaw")
    assert [load_agent(name).name for name in NAMES] == list(NAMES)
    assert load_agent("minimal").mounts(tmp_path, tmp_path) == ()
    with pytest.raises(UsageError, match="no agent 'gemini'"):
        load_agent("gemini")
    with pytest.raises(UsageError, match="option"):
        load_agent("minimal", colour="red")
    with pytest.raises(UsageError, match="skills="):
        load_agent("minimal", skills="some")
