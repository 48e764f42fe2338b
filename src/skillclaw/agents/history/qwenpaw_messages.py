"""Messages of QwenPaw and CoPaw, as their session files have them, to steps."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from skillclaw.agents.history import lines
from skillclaw.agents.history.drafts import Draft, message_of
from skillclaw.agents.history.steps import Transcript, as_int, as_str, image_part
from skillclaw.trajectory.model import Metrics, Part, ResultMeta, text_of
from skillclaw.wire.content import arguments_of, as_dict
from skillclaw.wire.injected import is_compaction, split_injected
from skillclaw.wire.results import facts

__all__ = ["CHILD", "Message", "Teller", "moment_of"]

Message = dict[str, Any]
CHILD = re.compile(r"\[SESSION: (sub-[0-9a-f]{4,64})\]")
"""How a result names the session of a sub-agent."""


class Teller:
    """Turns messages into steps."""

    def __init__(self, tally: lines.Tally) -> None:
        self.tally = tally
        self.out = Transcript()
        self.models: dict[str, int] = {}
        self.children: dict[str, list[str]] = {}
        """Sub-agent -> the calls whose results name it."""

    def tell(self, message: Message) -> None:
        """The next message."""
        match message.get("role"):
            case "user":
                self._user(message)
            case "assistant":
                self._assistant(message)
            case "system":
                self._system(message)
            case role:
                self.tally.unknown(role)

    def refer(self, name: str) -> None:
        """Hang a sub-agent on the calls whose results name it."""
        for call_id in self.children.get(name, []):
            self.out.refer(call_id, [name])

    def _user(self, message: Message) -> None:
        tag = as_str(as_dict(message.get("metadata")).get("qwenpaw_tag"))
        moment = stamp(message)
        own: list[Part] = []
        for block in _blocks(message):
            if block.get("type") == "tool_result":
                self._result(block)
                continue
            part = _part(block)
            if part is None:
                continue
            pieces = split_injected(part.text) if part.text is not None else []
            for text, injected in pieces:
                host = injected or tag not in ("", "external_user_query") or message.get("name") == "memory"
                if host and text.strip():
                    kind: Any = "compaction" if is_compaction(text) or tag == "scroll_memory" else "turn"
                    self.out.add("user", moment, [Part(type="text", text=text)], injected=True, kind=kind)
                elif text.strip():
                    own.append(Part(type="text", text=text))
            if part.text is None:
                own.append(part)
        if own:
            self.out.add("user", moment, own)

    def _system(self, message: Message) -> None:
        """CoPaw keeps results in messages of the system's."""
        for block in _blocks(message):
            if block.get("type") == "tool_result":
                self._result(block)

    def _assistant(self, message: Message) -> None:
        meta = as_dict(message.get("metadata"))
        usage = as_dict(as_dict(meta.get("qwenpaw_turn_usage")).get("usage"))
        model = as_str(usage.get("model_name"))
        blocks = _blocks(message)
        results = {as_str(block.get("id")): block for block in blocks if block.get("type") == "tool_result"}
        inline = _is_inline(blocks)
        draft: Draft | None = None
        first: Draft | None = None
        waiting: list[str] = []
        for at, block in enumerate(blocks):
            if block.get("type") == "tool_result":
                continue
            began = as_str(block.get("created_at"))
            if draft is None or _answered(waiting, results, blocks, at, began, inline):
                self._settle(waiting, results)
                draft, waiting = self.out.add("agent", stamp(block) or stamp(message)), []
                draft.model = model or None
                first = first or draft
            self._block(draft, block, waiting)
        self._settle(waiting, results)
        for call_id in [name for name in results if self.out.call_of(name) is None]:
            self._result(results[call_id])
        if first is not None:
            first.metrics = _metrics(message.get("usage"))
            if model:
                self.models[model] = self.models.get(model, 0) + 1

    def _block(self, draft: Draft, block: dict[str, Any], waiting: list[str]) -> None:
        match block.get("type"):
            case "thinking":
                if as_str(block.get("thinking")).strip():
                    draft.reasoning.append(block["thinking"])
            case "tool_call" | "tool_use":
                arguments, _ = arguments_of(block.get("input"))
                self.out.call(draft, block.get("id"), block.get("name"), arguments)
                waiting.append(as_str(block.get("id")))
            case _:
                part = _part(block)
                if part is not None:
                    draft.parts.append(part)

    def _settle(self, waiting: list[str], results: dict[str, dict[str, Any]]) -> None:
        for call_id in waiting:
            if call_id in results:
                self._result(results[call_id])

    def _result(self, block: dict[str, Any]) -> None:
        output = block.get("output")
        parts = (
            [part for item in output if isinstance(item, dict) and (part := _part(item)) is not None]
            if isinstance(output, list)
            else [Part(type="text", text=as_str(output))]
        )
        content = message_of(parts)
        text = text_of(content)
        call_id = as_str(block.get("id"))
        call = self.out.call_of(call_id)
        tool = as_str(block.get("name")) or (call.function_name if call else "")
        state = as_str(block.get("state"))
        failed = True if state in ("error", "denied", "interrupted") else None
        known = facts(tool, call.arguments if call else {}, text, failed)
        code = known.exit_code
        if tool == "execute_shell_command" and state == "success" and code is None:
            code = 0  # it says so of every other code
        error = known.is_error if known.is_error is not None else None if code is None else code != 0
        meta = ResultMeta(exit_code=code, is_error=error, taint=known.taint)
        self.out.result(call_id, content, meta, stamp(block))
        for child in CHILD.findall(text):
            self.children.setdefault(child, []).append(call_id)


def _answered(
    waiting: list[str],
    results: dict[str, dict[str, Any]],
    blocks: list[dict[str, Any]],
    at: int,
    began: str,
    inline: bool,
) -> bool:
    """Whether one of the calls had its result before this block came: then the model was asked again."""
    if inline:
        return any(
            block.get("type") == "tool_result" and as_str(block.get("id")) in waiting for block in blocks[:at]
        )
    return any(name in results and as_str(results[name].get("created_at")) <= began for name in waiting)


def _is_inline(blocks: list[dict[str, Any]]) -> bool:
    """Whether results stand where they came, and not at the end, as the database's do."""
    kinds = [block.get("type") == "tool_result" for block in blocks]
    return kinds != sorted(kinds) or not any(as_str(block.get("created_at")) for block in blocks)


def _part(block: dict[str, Any]) -> Part | None:
    kind = block.get("type")
    if kind == "text":
        return Part(type="text", text=block["text"]) if as_str(block.get("text")) else None
    if kind in ("image", "audio", "video", "data", "file"):
        source = as_dict(block.get("source"))
        return image_part(source.get("media_type"), source.get("data") or source.get("url"))
    return None


def _metrics(usage: Any) -> Metrics | None:
    """The tokens of a whole turn, which is how they are kept."""
    if not isinstance(usage, dict):
        return None
    cached = as_int(usage.get("cache_input_tokens"))
    return Metrics(
        prompt_tokens=as_int(usage.get("input_tokens")),
        completion_tokens=as_int(usage.get("output_tokens")),
        cached_tokens=cached,
    )


def stamp(holder: dict[str, Any]) -> str | None:
    """The time of a message or a block; it is kept without its zone, which is this machine's."""
    moment = moment_of(holder.get("created_at") or holder.get("timestamp"))
    if not moment:
        return None
    return datetime.fromtimestamp(moment).astimezone().isoformat(timespec="milliseconds")


def moment_of(value: object) -> float:
    """Unix seconds of a time as it is kept; 0 for what is none."""
    try:
        return datetime.fromisoformat(as_str(value).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _blocks(message: Message) -> list[dict[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content, "created_at": message.get("created_at")}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
