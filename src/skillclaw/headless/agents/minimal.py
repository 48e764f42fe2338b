"""The built-in agent: a loop of Chat Completions with tools, on any OpenAI-compatible model.

Its prompt is short and begins the same for every task: small models on a laptop read some 30 tokens a
second, and what two prompts have in common at their start is read once.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from skillclaw.errors import UsageError
from skillclaw.headless.agents import skillbook
from skillclaw.headless.agents.chat import Answer, Call, ask
from skillclaw.headless.agents.model import Endpoint, Reply
from skillclaw.headless.tasks.model import Message, Work, Workspace
from skillclaw.sandbox import Mount
from skillclaw.trajectory.model import Record

__all__ = ["SYSTEM", "Minimal"]

SYSTEM = (
    "You do the user's task with the tools, step by step: call a tool, read its result, go on. "
    "Do only what was asked. When it is done, say so in one sentence without a tool call."
)
PICKED = 2
SKILL_TOKENS = 900
REPEATS = 3
SHOWN = 4_000
"""Characters of a tool's result that the model sees; the middle of a longer one is left out."""
READ_SKILL = {
    "type": "function",
    "function": {
        "name": "read_skill",
        "description": "Read an available skill in full. Do it before you start where one fits the task.",
        "parameters": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
        },
    },
}


class Minimal(Record, frozen=True, kw_only=True):
    """The agent's settings.

    skills       `inline`: the skills that fit the instruction stand in the prompt (2 at most, about 900
                 tokens); `offer`: all are listed and the model reads them with a tool; `none`
    steps        tool calls for one thing said
    max_tokens   that the model may write at once
    temperature  0 takes the most likely token always
    label        sets sessions apart that have the same task and seed (arms, users, days) on one proxy
    extra        more fields of each request, as a server of its own kind may need them
    headers      more headers of each request
    skill_tokens that the skills in the prompt may take (`inline`), estimated
    asker        makes the requests; whoever counts them puts its own here
    """

    name: str = "minimal"
    skills: Literal["inline", "offer", "none"] = "inline"
    steps: int = 12
    max_tokens: int = 512
    temperature: float = 0.2
    label: str = ""
    extra: Mapping[str, Any] = {}
    headers: Mapping[str, str] = {}
    skill_tokens: int = SKILL_TOKENS
    asker: Callable[..., Answer] = ask

    def __post_init__(self) -> None:
        if self.skills not in ("inline", "offer", "none"):
            raise UsageError(f"skills={self.skills!r} is not known.", "", "Known: inline, offer, none")

    def mounts(self, home: Path, state: Path) -> Sequence[Mount]:
        """None: it runs on the host, and only the tools of the workspace run in the room."""
        return ()

    @contextmanager
    def open(
        self, task: Work, workspace: Workspace, endpoint: Endpoint, *, home: Path, seed: int
    ) -> Iterator[_Conversation]:
        """See `Agent.open`."""
        yield _Conversation(self, task, workspace, endpoint, skillbook.read_skills(home), seed)


class _Conversation:
    def __init__(
        self,
        agent: Minimal,
        task: Work,
        workspace: Workspace,
        endpoint: Endpoint,
        skills: Sequence[skillbook.Skill],
        seed: int,
    ) -> None:
        self._agent, self._workspace, self._endpoint = agent, workspace, endpoint
        self._known = {skill.name: skill for skill in skills}
        self._left = task.timeout
        self._options = {
            "max_tokens": agent.max_tokens,
            "temperature": agent.temperature,
            "seed": seed % 2**31,
            **agent.extra,
        }
        # Made from what the session is, so that a run that is repeated gives the same sessions.
        named = json.dumps([agent.label, task.suite, task.id, task.seed, seed])
        self._headers = {
            "User-Agent": "skillclaw-bench/1",
            "x-session-id": str(uuid.uuid5(uuid.NAMESPACE_URL, named)),
            **agent.headers,
        }
        self._tools = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in workspace.tools
        ]
        if agent.skills == "offer" and skills:
            self._tools.append(READ_SKILL)
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self.transcript: list[Message] = []

    def say(self, text: str) -> Reply:
        """See `Conversation.say`."""
        if not self.transcript:
            self.transcript += self._opening(text)
        self.transcript.append({"role": "user", "content": text})
        began = time.monotonic()
        end = began + self._left
        self._seen.clear()
        steps = tokens_in = tokens_out = 0
        said = error = ""
        late = False
        while True:
            left = end - time.monotonic()
            if left <= 0:
                late = True
                break
            answer = self._agent.asker(
                self._endpoint,
                self.transcript,
                tools=self._tools,
                options=self._options,
                headers=self._headers,
                seconds=left,
            )
            tokens_in += answer.tokens_in
            tokens_out += answer.tokens_out
            if answer.late or answer.error:
                late, error = answer.late, answer.error
                break
            said = answer.text
            if not answer.calls:
                self.transcript.append({"role": "assistant", "content": answer.text})
                break
            self.transcript.append(_asked(answer.text, answer.calls))
            repeated = False
            for call in answer.calls:
                # Each call must have a result, or the conversation could not go on after this.
                over = steps >= self._agent.steps or time.monotonic() >= end
                result = "Not run: the agent's limit is reached." if over else self._run(call)
                steps += not over
                self.transcript.append({"role": "tool", "tool_call_id": call.id, "content": result})
                key = (call.name, json.dumps(call.arguments, sort_keys=True) + call.fault, result)
                self._seen[key] += 1
                repeated = repeated or self._seen[key] >= REPEATS
            if repeated:
                said = f"Stopped: the same call gave the same result {REPEATS} times."
                break
            if steps >= self._agent.steps:
                said = f"Stopped after {steps} tool calls."
                break
        seconds = time.monotonic() - began
        self._left -= seconds
        return Reply(
            text=said,
            steps=steps,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            seconds=seconds,
            late=late,
            error=error,
        )

    def _opening(self, text: str) -> list[Message]:
        known = list(self._known.values())
        if self._agent.skills == "offer":
            return [{"role": "system", "content": SYSTEM + skillbook.listed(known, descriptions=True)}]
        if self._agent.skills == "none":
            return [{"role": "system", "content": SYSTEM}]
        taken = skillbook.shortened(skillbook.pick(known, text, PICKED), self._agent.skill_tokens)
        listed = skillbook.listed([skill for skill, _ in taken], descriptions=False)
        # The one that fits best stands last: weak models follow what is nearest to the task.
        blocks = [{"role": "user", "content": skillbook.block(skill, body)} for skill, body in taken[::-1]]
        return [{"role": "system", "content": SYSTEM + listed}, *blocks]

    def _run(self, call: Call) -> str:
        if call.fault:
            return call.fault
        if call.name == "read_skill" and self._agent.skills == "offer":
            skill = self._known.get(str(call.arguments.get("name", "")).strip())
            return skill.text if skill else f"There is no such skill. Known: {', '.join(self._known)}"
        return _cut(self._workspace.call(call.name, call.arguments).text) or "(no output)"


def _asked(text: str, calls: Sequence[Call]) -> Message:
    return {
        "role": "assistant",
        "content": text or None,
        "tool_calls": [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _given(call)}}
            for call in calls
        ],
    }


def _given(call: Call) -> str:
    # Servers read the arguments of earlier calls as JSON, and refuse the whole request where they are none.
    return json.dumps({"not_json": call.raw}) if call.fault else call.raw or "{}"


def _cut(text: str) -> str:
    if len(text) <= SHOWN:
        return text
    half = SHOWN // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
