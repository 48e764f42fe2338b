"""The real Claude Code and Codex: what they did is read whole from their own histories."""

from __future__ import annotations

from typing import Any

from cli import ok_json
from clients import Person
from scripted import Script, Shell, Spawn, Upstream

WORK = Script(
    steps=(
        Shell("cat no-such-file.txt"),
        Shell("printf 'alpha\\nbeta\\n' > made.txt && cat made.txt"),
        Spawn("please count the lines of made.txt", "wc -l < made.txt", "made.txt has 2 lines"),
        Shell("exit 7"),
    ),
    final="The file is made and counted.",
)
PROMPT = "kindly do the tidy-work for me"


def codex_config(person: Person, base_url: str) -> None:
    """Codex with a provider of its own, as people with a gateway have it."""
    folder = person.home / ".codex"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(
        f'model = "scripted"\nmodel_provider = "mine"\n\n[model_providers.mine]\nname = "mine"\n'
        f'base_url = "{base_url}"\nenv_key = "OPENAI_API_KEY"\nwire_api = "responses"\n',
        "utf-8",
    )


def calls_of(trajectory: Any) -> list[tuple[str, str, int | None, str]]:
    """(tool, command, exit code, result text) of every call, in order."""
    found = []
    for step in trajectory["steps"]:
        results = {r.get("source_call_id"): r for r in (step.get("observation") or {}).get("results", [])}
        for call in step.get("tool_calls") or []:
            result = results.get(call["tool_call_id"], {})
            given = call["arguments"]
            code = ((result.get("extra") or {}).get("skillclaw") or {}).get("exit_code")
            command = given.get("command") or given.get("cmd") or ""
            found.append((call["function_name"], command, code, str(result.get("content"))))
    return found


def said(trajectory: Any, source: str) -> list[str]:
    """What people (or the agent) said, without what the host put there."""
    return [
        step["message"]
        for step in trajectory["steps"]
        if step["source"] == source
        and step["message"]
        and not ((step.get("extra") or {}).get("skillclaw") or {}).get("injected")
        and ((step.get("extra") or {}).get("skillclaw") or {}).get("kind", "turn") == "turn"
    ]


def check_whole(trajectory: Any, shell: str) -> None:
    """Every message, call, result and exit code of WORK is in the session, once."""
    assert any(PROMPT in text for text in said(trajectory, "user"))
    assert sum(PROMPT in text for text in said(trajectory, "user")) == 1
    assert sum(WORK.final in text for text in said(trajectory, "agent")) == 1
    shells = [call for call in calls_of(trajectory) if call[0] == shell]
    wanted = [step.command for step in WORK.steps if isinstance(step, Shell)]
    assert [call[1] for call in shells] == wanted
    assert [call[2] for call in shells] == [1, 0, 7]
    assert "No such file" in shells[0][3]
    assert "alpha" in shells[1][3]
    (sub,) = trajectory["subagent_trajectories"]
    assert [(c[1], c[2]) for c in calls_of(sub) if c[0] == shell] == [("wc -l < made.txt", 0)]
    assert any("made.txt has 2 lines" in text for text in said(sub, "agent"))


def one_session(person: Person, agent: str) -> Any:
    (row,) = ok_json("sessions", "list", home=person.home)
    assert row["agent"] == agent
    return ok_json("sessions", "show", row["id"], home=person.home)


def test_claude_code_history_is_read_whole(person: Person) -> None:
    with Upstream({"tidy-work": WORK}) as upstream:
        person.claude(PROMPT, ANTHROPIC_BASE_URL=upstream.url)
    report = ok_json("import", "--agent", "claude-code", home=person.home)
    assert report["imported"] == 1, report
    assert report["failed"] == []
    check_whole(one_session(person, "claude-code"), "Bash")
    again = ok_json("import", home=person.home)
    assert again["imported"] == 0
    assert again["failed"] == []


def test_a_grown_session_becomes_its_next_revision(person: Person) -> None:
    more = Script(steps=(Shell("rm made.txt"),), final="And removed again.")
    with Upstream({"tidy-work": WORK, "clean up": more}) as upstream:
        person.claude(PROMPT, ANTHROPIC_BASE_URL=upstream.url)
        ok_json("import", home=person.home)
        person.claude("now clean up", "-c", ANTHROPIC_BASE_URL=upstream.url)
    report = ok_json("import", home=person.home)
    assert (report["imported"], report["grown"]) == (1, 1)
    (row,) = ok_json("sessions", "list", home=person.home)
    assert row["revision"] == 2
    whole = ok_json("sessions", "show", row["id"], home=person.home)
    assert [c[1] for c in calls_of(whole) if c[0] == "Bash"][-1] == "rm made.txt"
    assert sum(PROMPT in text for text in said(whole, "user")) == 1


def test_codex_history_is_read_whole(person: Person) -> None:
    with Upstream({"tidy-work": WORK}) as upstream:
        codex_config(person, f"{upstream.url}/v1")
        person.codex(PROMPT)
    report = ok_json("import", "--agent", "codex", home=person.home)
    assert report["imported"] == 1, report
    assert report["failed"] == []
    check_whole(one_session(person, "codex"), "exec_command")
