"""One item of an OpenAI Responses request or answer -> items of ours; unknown ones as their JSON."""

from __future__ import annotations

from typing import Any

from skillclaw.trajectory.model import Part
from skillclaw.wire.content import arguments_of, as_dict, as_list, as_str, compact, image_part, json_text
from skillclaw.wire.injected import user_items
from skillclaw.wire.records import Item

__all__ = ["entry_items"]

CALLS = frozenset(
    {
        "function_call",
        "custom_tool_call",
        "local_shell_call",
        "shell_call",
        "computer_call",
        "mcp_call",
        "apply_patch_call",
    }
)
PROVIDER_CALLS = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_list_tools",
        "tool_search_call",
    }
)


def entry_items(entry: Any, group: int) -> list[Item]:
    """What one item holds; `group` is its place."""
    known = as_dict(entry)
    kind = as_str(known.get("type")) or ("message" if "role" in known else "")
    if kind == "message":
        return _message(known, group)
    if kind == "reasoning":
        text = "\n".join(
            text
            for key in ("content", "summary")
            for text in [as_str(as_dict(part).get("text")) for part in as_list(known.get(key))]
            if text
        )
        return [Item(role="agent", kind="reasoning", content=text, group=group)] if text.strip() else []
    if kind in CALLS:
        return _call(known, kind, group)
    if kind == "additional_tools":
        return []
    if kind == "agent_message":
        return _agent_message(known, group)
    if kind.endswith("_output"):
        return [_result(known, group)]
    if kind in PROVIDER_CALLS:
        return _provider_call(known, kind, group)
    if kind in ("compaction", "compaction_summary", "context_compaction"):
        # Encrypted by the provider: only that it was there can be told.
        return [
            Item(
                role="user",
                kind="text",
                content="(compacted history, encrypted by the provider)",
                group=group,
                injected=True,
                compaction=True,
            )
        ]
    return [Item(role="agent", kind="text", content=json_text(entry), group=group)]


def _message(known: dict[str, Any], group: int) -> list[Item]:
    role = known.get("role")
    content = known.get("content")
    blocks = [content] if isinstance(content, str) else as_list(content)
    items: list[Item] = []
    for block in blocks:
        part = _part(block)
        if part.type != "text":
            owner: Any = "agent" if role == "assistant" else "user"
            items.append(Item(role=owner, kind="text", content=[part], group=group))
            continue
        text = part.text or ""
        if not text:
            continue
        if role == "assistant":
            items.append(Item(role="agent", kind="text", content=text, group=group))
        elif role in ("system", "developer"):
            items.append(Item(role="system", kind="text", content=text, group=group))
        else:
            items += user_items(text, group)
    return items


def _agent_message(known: dict[str, Any], group: int) -> list[Item]:
    """What one of Codex's agents tells another; its first task stands for the user's prompt."""
    texts = []
    for part in map(as_dict, as_list(known.get("content"))):
        sealed = part.get("encrypted_content")
        texts.append(sealed if isinstance(sealed, str) else as_str(part.get("text")) or json_text(part))
    text = "".join(texts)
    injected = not text.startswith("Message Type: NEW_TASK")
    return [Item(role="user", kind="text", content=text, group=group, injected=injected)] if text else []


def _part(block: Any) -> Part:
    if isinstance(block, str):
        return Part(type="text", text=block)
    known = as_dict(block)
    kind = known.get("type")
    if kind in ("input_text", "output_text", "text", "summary_text") and isinstance(known.get("text"), str):
        return Part(type="text", text=known["text"])
    if kind == "refusal" and isinstance(known.get("refusal"), str):
        return Part(type="text", text=known["refusal"])
    if kind in ("input_image", "image_url"):
        url = known.get("image_url")
        url = as_str(as_dict(url).get("url")) if isinstance(url, dict) else as_str(url)
        part = image_part("image/png", url) if url else None
        if part is not None:
            return part
    if isinstance(known.get("file_data"), str):
        block = {**known, "file_data": f"({len(known['file_data'])} characters of base64)"}
    return Part(type="text", text=json_text(block))


def _call(known: dict[str, Any], kind: str, group: int) -> list[Item]:
    name = as_str(known.get("name"))
    space = as_str(known.get("namespace")) or as_str(known.get("server_label"))
    if name and space:
        name = f"{space}.{name}"
    if kind in ("function_call", "mcp_call"):
        arguments, raw = arguments_of(known.get("arguments"))
    elif kind == "custom_tool_call":
        text = as_str(known.get("input"))
        arguments, raw = {"input": text}, text
    else:
        arguments, raw = arguments_of(known.get("action") or known.get("operation"))
        name = name or kind.removesuffix("_call")
    call_id = as_str(known.get("call_id")) or as_str(known.get("id"))
    call = Item(
        role="agent",
        kind="call",
        group=group,
        call_id=call_id,
        name=name or "unknown",
        arguments=arguments,
        raw=raw,
        provider=kind == "mcp_call",
    )
    if kind == "mcp_call" and (known.get("output") is not None or known.get("error") is not None):
        failed = known.get("error") is not None
        output = known.get("error") if failed else known.get("output")
        text = output if isinstance(output, str) else json_text(output)
        return [
            call,
            Item(
                role="agent",
                kind="result",
                content=text,
                group=group,
                call_id=call_id,
                is_error=failed,
                provider=True,
            ),
        ]
    return [call]


def _provider_call(known: dict[str, Any], kind: str, group: int) -> list[Item]:
    rest = {key: value for key, value in known.items() if key not in ("type", "id", "status", "result")}
    action = known.get("action")
    arguments = action if isinstance(action, dict) else rest
    return [
        Item(
            role="agent",
            kind="call",
            group=group,
            call_id=as_str(known.get("id")),
            name=kind.removesuffix("_call"),
            arguments=arguments,
            provider=True,
        )
    ]


def _result(known: dict[str, Any], group: int) -> Item:
    output = known.get("output")
    is_error: bool | None = None
    if isinstance(output, dict) and ("content" in output or "success" in output):
        success = output.get("success")
        is_error = not success if isinstance(success, bool) else None
        output = output.get("content", "")
    first = output[0] if isinstance(output, list) and output else None
    if as_str(as_dict(first).get("text")).startswith("Script failed\n"):
        # Codex's `exec`: the script threw.
        is_error = True
    content: str | list[Part]
    if isinstance(output, str):
        content = output
    elif isinstance(output, list):
        content = compact(_part(part) for part in output)
    else:
        content = "" if output is None else json_text(output)
    return Item(
        role="user",
        kind="result",
        content=content,
        group=group,
        call_id=as_str(known.get("call_id")) or as_str(known.get("id")),
        is_error=is_error,
    )
