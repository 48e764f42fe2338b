"""nanobot's history: `sessions/<workspace id>/<base64 of the session's key>.jsonl`, a line for each message.

Read from files that nanobot 0.3.5 wrote. The first line has the metadata (`_type`), the others are messages
in the shape of Chat Completions with a `timestamp` in the machine's own time; all of a turn are written at
its end. What the host put behind the user's words is told by `_runtime_context`. The session goes on until
`/new`, over days and processes. Neither the model nor tokens nor what sub-agents did are in it, and the key
(`cli:direct`) is no id: one person's sessions all have the same.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from skillclaw.agents.history import chat, lines
from skillclaw.agents.history.steps import Transcript, as_str, trajectory
from skillclaw.agents.history.unnamed import local_stamp, native_id
from skillclaw.agents.records import Env, HistoryRead
from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import Part

__all__ = ["NAME", "looks_like", "read"]

NAME = "nanobot"
OWN = "SkillClaw's own sessions"
EMPTY = "empty sessions"
MEMORY = "nanobot's own runs to tidy its memory"
ROLES = frozenset({"user", "assistant", "tool", "system"})
HIDDEN = ("_hidden_history", "_automation_turn", "_cron_turn", "injected_event")
"""Marks of messages in the user's place that nobody typed."""
FAILED = "[Assistant reply unavailable due to model error.]"
CONTINUES = "Continue the active task from the working-memory checkpoint above."


def looks_like(value: Any) -> bool:
    """Whether a line is the first one of a nanobot session."""
    return isinstance(value, dict) and value.get("_type") == "metadata" and "last_consolidated" in value


def read(path: Path, env: Env) -> HistoryRead:
    """One session.

    Raises StorageError when the file cannot be read, BadInputError when it is no session of nanobot.
    """
    tally = lines.Tally()
    reader = _Reader(tally)
    reader.read(path)
    if reader.key.startswith("dream:"):
        return HistoryRead(trajectory=None, skipped={**tally.result(), MEMORY: 1})
    workspace = _workspace(path)
    if env.is_own(workspace):
        return HistoryRead(trajectory=None, skipped={**tally.result(), OWN: 1})
    usual = workspace == str(env.home / ".nanobot" / "workspace")
    made = trajectory(
        reader.out,
        agent=NAME,
        version="",
        native_id=native_id(reader.out, f"{path.parent.name}/{reader.key or path.stem}"),
        models=Counter(),
        cwd="" if usual else workspace,
        home=env.home,
        facts={},
        subagents=[],
    )
    if made is None:
        tally.add(EMPTY)
    return HistoryRead(trajectory=made, skipped=tally.result())


class _Reader:
    """Turns the lines of one file into steps."""

    def __init__(self, tally: lines.Tally) -> None:
        self.tally = tally
        self.out = Transcript()
        self.key = ""

    def read(self, path: Path) -> None:
        seen = known = 0
        for _, value in lines.objects(path, self.tally):
            seen += 1
            known += self._line(value)
        corrupt = sum(n for reason, n in self.tally.counts.items() if reason.startswith("corrupt"))
        if not known and (seen or corrupt):
            raise BadInputError(
                f"{path} is not a session of nanobot.",
                f"None of its {seen + corrupt} lines is one that nanobot writes.",
                "See which files are: ~/.nanobot/sessions/*/*.jsonl",
            )

    def _line(self, value: dict[str, Any]) -> bool:
        kind = value.get("_type")
        if kind == "metadata":
            self.key = as_str(value.get("key"))
            return True
        if kind == "provider_state":
            return True
        if kind is not None or as_str(value.get("role")) not in ROLES:
            self.tally.unknown(kind if kind is not None else value.get("role"))
            return False
        if value.get("_command") is True:
            # `/help` and the like, which the host answers itself.
            self.tally.add("commands of nanobot's own")
            return True
        stamp = local_stamp(as_str(value.get("timestamp")))
        match value["role"]:
            case "assistant":
                self._assistant(value, stamp)
            case "tool":
                self._result(value, stamp)
            case "user":
                self._user(value, stamp)
            case _:
                self.out.add("system", stamp, chat.parts(value.get("content")), injected=True)
        return True

    def _user(self, value: dict[str, Any], stamp: str) -> None:
        parts = chat.parts(value.get("content"))
        if any(value.get(mark) for mark in HIDDEN):
            compact = any((part.text or "").strip() == CONTINUES for part in parts)
            self.out.add("user", stamp, parts, injected=True, kind="compaction" if compact else "turn")
            return
        own, host = _without_context(parts, value.get("_runtime_context"))
        if own:
            self.out.add("user", stamp, own)
        if host:
            self.out.add("user", stamp, host, injected=True)

    def _assistant(self, value: dict[str, Any], stamp: str) -> None:
        parts = chat.parts(value.get("content"))
        if len(parts) == 1 and parts[0].text == FAILED:
            self.out.add("system", stamp, parts, injected=True)
            return
        draft = self.out.add("agent", stamp, parts)
        if as_str(value.get("reasoning_content")):
            draft.reasoning.append(value["reasoning_content"])
        chat.calls(self.out, draft, value.get("tool_calls"), self.tally)

    def _result(self, value: dict[str, Any], stamp: str) -> None:
        chat.result(self.out, value, value.get("content"), stamp)


def _without_context(parts: list[Part], mark: Any) -> tuple[list[Part], list[Part]]:
    """The user's own parts, and what the host put behind them as its mark tells."""
    if not isinstance(mark, dict) or not parts:
        return parts, []
    suffix = as_str(mark.get("suffix"))
    last = parts[-1].text or ""
    if suffix and last.endswith(suffix):
        words = last.removesuffix(suffix).rstrip("\n")
        own = [*parts[:-1], Part(type="text", text=words)] if words else parts[:-1]
        return own, [Part(type="text", text=suffix)]
    blocks = mark.get("blocks")
    count = len(blocks) if isinstance(blocks, list) else 0
    return (parts[:-count], parts[-count:]) if count else (parts, [])


def _workspace(path: Path) -> str:
    """The folder that the session's agent works in, which stands in a file beside the sessions."""
    try:
        return (path.parent / ".workspace").read_text("utf-8")[:4096].strip()
    except (OSError, UnicodeDecodeError):
        return ""
