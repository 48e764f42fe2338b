"""A model that plays a script, with success rates that are known: it measures the yardstick, not a model.

It speaks Chat Completions on loopback, so that everything else of a run is as with a real model. It knows the
suite's own solutions. Where the conversation tells it every rule that a task needs, in a skill or in what the
user says, it works as the solution does with probability `informed`, else with probability `alone`; otherwise
it does what one who knows no rule does. It is drawn from the instance, the sampling seed and what is known:
the same question gets the same answer.
"""

from __future__ import annotations

import json
import random
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from skillclaw.bench.suites import Suite, Task

__all__ = ["Scripts", "scripted_model"]


class Scripts(Suite, Protocol):
    """A suite that knows its solutions."""

    def combinations(self, template: str) -> int:
        """The number of different instructions of a template; seeds go round through them."""
        ...

    def script(self, task: Task, name: str) -> str:
        """`solve` or `naive`: what is run, ready for bash; what it prints last is the answer."""
        ...

    def told(self, rule: str, text: str) -> bool:
        """Whether `text` tells the rule."""
        ...


@contextmanager
def scripted_model(
    suite: Scripts,
    *,
    alone: float,
    informed: float,
    drifted: Scripts | None = None,
    rule: str = "",
) -> Iterator[str]:
    """The base URL of a running model that knows every task of `suite` by its instruction.

    drifted  the suite once `rule` is another: who was told of both does what was told last
    """

    class Handler(_Handler):
        model = _Model(suite, alone, informed, drifted, rule)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Model:
    def __init__(
        self, suite: Scripts, alone: float, informed: float, drifted: Scripts | None, rule: str
    ) -> None:
        self._suite = suite
        self._drifted, self._rule = drifted, rule
        # All of them: which are worked on is known only when the screening is done.
        drawn = (
            suite.draw(template.id, number)
            for template in suite.templates()
            for number in range(suite.combinations(template.id))
        )
        self._tasks = {task.instruction: task for task in drawn}
        self._alone = alone
        self._informed = informed

    def message(self, messages: Sequence[Mapping[str, Any]], seed: int) -> dict[str, Any]:
        """The next message of the assistant."""
        users = [n for n, message in enumerate(messages) if message.get("role") == "user"]
        found = [self._tasks.get(str(messages[n].get("content"))) for n in users]
        task = next((task for task in found if task is not None), None)
        if task is None:
            return {"role": "assistant", "content": "I do not know this task."}
        said = len(found) - found.index(task)
        heard = _heard(messages)
        suite = self._suite
        if self._drifted is not None and self._rule in task.rules and self._newer(heard):
            suite = self._drifted
        commands, answer = _steps(suite.script(task, self._way(suite, task, heard, said, seed)))
        done = sum(message.get("role") == "tool" for message in messages[users[-1] :])
        if done >= len(commands):
            return {"role": "assistant", "content": answer}
        call = {
            "id": f"call_{len(messages)}",
            "type": "function",
            "function": {"name": "bash", "arguments": json.dumps({"command": commands[done]})},
        }
        return {"role": "assistant", "content": None, "tool_calls": [call]}

    def _newer(self, heard: str) -> bool:
        """Whether the drifted rule as it is now was told after the rule as it was."""
        assert self._drifted is not None
        last = {suite: -1 for suite in (self._suite, self._drifted)}
        for place, line in enumerate(heard.splitlines()):
            for suite in last:
                if suite.told(self._rule, line):
                    last[suite] = place
        return last[self._drifted] > last[self._suite]

    def _way(self, suite: Scripts, task: Task, heard: str, said: int, seed: int) -> str:
        told = all(suite.told(rule, heard) for rule in task.rules)
        chance = random.Random(f"{task.id} {seed} {told} {said}").random()  # noqa: S311 - the same again
        return "solve" if chance < (self._informed if told else self._alone) else "naive"


def _heard(messages: Sequence[Mapping[str, Any]]) -> str:
    """What skills and users told: what the agent itself did and saw tells nothing."""
    return "\n".join(
        str(m.get("content")) for m in messages if m.get("role") in ("system", "developer", "user")
    )


@cache
def _steps(script: str) -> tuple[Sequence[str], str]:
    """The commands of a script, one by one where it can be cut so, and the words of a last `echo`."""
    lines = [line for line in script.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    whole = all(subprocess.run(["bash", "-nc", line], capture_output=True).returncode == 0 for line in lines)
    if not whole or any("<<" in line for line in lines):
        return [script.strip()], "Done."
    if lines and lines[-1].startswith("echo ") and ">" not in lines[-1]:
        return lines[:-1], lines[-1].removeprefix("echo ").strip("'\"")
    return lines, "Done."


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: _Model

    def do_GET(self) -> None:
        """The list of models."""
        self._send({"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    def do_POST(self) -> None:
        """A completion; tokens are counted as words."""
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)))
        message = self.model.message(body["messages"], int(body.get("seed") or 0))
        asked, said = len(json.dumps(body["messages"]).split()), len(json.dumps(message).split())
        reason = "tool_calls" if "tool_calls" in message else "stop"
        self._send(
            {
                "id": "chatcmpl-scripted",
                "object": "chat.completion",
                "created": 0,
                "model": "scripted",
                "choices": [{"index": 0, "message": message, "finish_reason": reason}],
                "usage": {
                    "prompt_tokens": asked,
                    "completion_tokens": said,
                    "total_tokens": asked + said,
                },
            }
        )

    def _send(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: conversations do not belong in a log."""
