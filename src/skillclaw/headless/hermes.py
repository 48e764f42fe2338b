"""Hermes, headless: `hermes chat -q TEXT -Q`, which goes on with `--resume ID`.

It prints the answer, and the session's id on stderr; what was done and counted is in its store, asked for
with `hermes sessions export`, whose counts are the session's. Run with 0.19.0. It names no session in its
requests: a plugin of its own does. A refused request is its answer, with exit code 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from skillclaw.headless.jsonlines import call, count, objects, text_of
from skillclaw.headless.model import HOME, Endpoint, Message, Platform, Turn

__all__ = ["Hermes"]

SESSION = re.compile(r"(?m)^session_id: (\S{1,100})\s*$")
REFUSED = re.compile(r"\AHTTP [45]\d\d\b")
NOTICES = ("⚠", "↻")
"""How lines about Hermes itself begin; they stand before the answer."""
PLUGIN = """\
def name_session(request=None, session_id="", **_):
    changed = dict(request or {})
    changed["extra_headers"] = {**(changed.get("extra_headers") or {}), "x-session-id": session_id}
    return {"request": changed, "source": "room-session"}


def register(ctx):
    ctx.register_middleware("llm_request", name_session)
"""


class Hermes(Platform):
    """See `Platform`."""

    name = "hermes"
    title = "Hermes"
    program = "hermes"
    install = "pip install hermes-agent, in a virtual environment whose bin folder is on PATH."
    cumulative = True

    def files(self, endpoint: Endpoint, folder: str) -> Mapping[str, str]:
        """A provider of its own name, the skills' folder, and the plugin. JSON is YAML."""
        model = {"default": endpoint.model, "provider": "room"}
        provider = {
            "name": "room",
            "base_url": endpoint.base_url,
            "api_key": endpoint.key or "none",
            "discover_models": False,
            "context_length": 128_000,
        }
        config = {
            "model": model,
            "providers": {"room": provider},
            "skills": {"external_dirs": [f"{HOME}/.agents/skills"]},
            "plugins": {"enabled": ["room-session"]},
        }
        about = {"name": "room-session", "version": "1.0.0", "description": "Names the session in requests"}
        plugin = ".hermes/plugins/room-session"
        return {
            ".hermes/config.yaml": json.dumps(config, indent=1),
            f"{plugin}/plugin.yaml": json.dumps(about, indent=1),
            f"{plugin}/__init__.py": PLUGIN,
        }

    def arguments(self, session: str, first: bool, text: str) -> tuple[list[str], str]:
        """With `=`, as a text that begins with a dash would be taken as an option."""
        kept = [] if first else ["--resume", session]
        return ["chat", f"--query={text}", "-Q", "--yolo", *kept], ""

    def read(self, out: str, err: str) -> Turn:
        """The answer and the id."""
        lines = out.splitlines()
        while lines and (not lines[0].strip() or lines[0].strip().startswith(NOTICES)):
            lines.pop(0)
        text = "\n".join(lines).strip()
        found = SESSION.findall(f"{err}\n{out}")
        return Turn(
            messages=({"role": "assistant", "content": text},) if text else (),
            text=text,
            session=found[-1] if found else "",
            error=text[:300] if REFUSED.match(text) else "",
        )

    def after(self, program: Sequence[str], session: str) -> list[str]:
        """The session out of Hermes' store."""
        return [*program, "sessions", "export", "-", "--session-id", session]

    def more(self, turn: Turn, out: str) -> Turn:
        """What came after the user's last message, and the counts of the session so far."""
        stored = next((value for value in objects(out) if isinstance(value.get("messages"), list)), None)
        if stored is None:
            return turn
        given = [message for message in stored["messages"] if isinstance(message, dict)]
        start = max((at for at, message in enumerate(given) if message.get("role") == "user"), default=-1)
        messages = [_message(message) for message in given[start + 1 :]]
        return msgspec.structs.replace(
            turn,
            messages=tuple(messages) or turn.messages,
            steps=sum(len(message.get("tool_calls", ())) for message in messages),
            tokens_in=count(stored.get("input_tokens")),
            tokens_out=count(stored.get("output_tokens")),
        )


def _message(stored: dict[str, Any]) -> Message:
    content = text_of(stored.get("content"))
    if stored.get("role") == "tool":
        return {"role": "tool", "tool_call_id": str(stored.get("tool_call_id")), "content": content}
    calls, given = [], stored.get("tool_calls")
    for made in given if isinstance(given, list) else []:
        function = made.get("function") if isinstance(made, dict) else None
        if isinstance(function, dict):
            calls.append(call(made.get("id"), function.get("name"), function.get("arguments")))
    return {"role": "assistant", "content": content or None} | ({"tool_calls": calls} if calls else {})
