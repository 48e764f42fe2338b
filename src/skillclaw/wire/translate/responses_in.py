"""An OpenAI Responses request -> `Ask`."""

from __future__ import annotations

import re
from typing import Any

from skillclaw.wire.content import as_dict, as_list, as_str, json_text, number
from skillclaw.wire.translate.chat_in import allowed, data_url, effort_of
from skillclaw.wire.translate.form import (
    Ask,
    Call,
    CannotTranslate,
    Document,
    Image,
    Piece,
    Result,
    Text,
    Thought,
    Turn,
    to_json,
    whole_number,
)
from skillclaw.wire.translate.responses_tools import ACTIONS, tools
from skillclaw.wire.translate.seal import foreign, unpack

__all__ = ["read"]

STORED = {
    "previous_response_id": "The request goes on from an answer stored at OpenAI; the history is not in it.",
    "conversation": "The request goes on from a conversation stored at OpenAI; the history is not in it.",
    "prompt": "The request uses a prompt that is stored at OpenAI.",
}
PROVIDER_ITEMS = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_approval_response",
        "tool_search_call",
        "tool_search_output",
        "additional_tools",
        "program",
        "program_output",
        "configuration_update",
    }
)
SEALED = re.compile(r"gAAAA[\w-]{60,}={0,2}")
"""What OpenAI encrypts has this form (a Fernet token)."""
UNREADABLE = "(encrypted by OpenAI; not to be read here)"
UNHEARD = "(sound, which this model is not given)"
COMPACTED = frozenset({"compaction", "compaction_summary", "context_compaction"})
AGENT = frozenset({"reasoning", "function_call", "custom_tool_call", *(f"{name}_call" for name in ACTIONS)})


def read(body: dict[str, Any]) -> Ask:
    """The request; raises CannotTranslate on history that lies at OpenAI."""
    for key, what in STORED.items():
        if body.get(key):
            raise CannotTranslate(what)
    if body.get("background") is True:
        raise CannotTranslate("The request wants to be answered in the background, which only OpenAI can do.")
    lost: list[str] = []
    offered = tools(body, lost)
    given = body.get("tool_choice")
    choice, chosen = _choice(given)
    if chosen is not None:
        offered = [tool for tool in offered if tool.name in chosen]
    forced = as_str(as_dict(given).get("type"))
    if lost and (not offered or forced in {entry.removeprefix("tool ") for entry in lost}):
        raise CannotTranslate(f"The {lost[0]} runs at OpenAI; the upstream has none like it.")
    effort, thinks = effort_of(as_dict(body.get("reasoning")).get("effort"))
    return Ask(
        model=as_str(body.get("model")),
        turns=_turns(body),
        tools=offered,
        choice=choice,
        parallel=body["parallel_tool_calls"] if isinstance(body.get("parallel_tool_calls"), bool) else None,
        max_tokens=whole_number(body.get("max_output_tokens")),
        temperature=number(body.get("temperature")),
        top_p=number(body.get("top_p")),
        stream=body.get("stream") is True,
        thinks=thinks,
        effort=effort,
        answer=_answer(as_dict(as_dict(body.get("text")).get("format"))),
        user=as_str(body.get("safety_identifier")) or as_str(body.get("user")),
        cache_key=as_str(body.get("prompt_cache_key")),
        lost=lost,
    )


def _choice(choice: Any) -> tuple[str, set[str] | None]:
    if isinstance(choice, str):
        return {"required": "any", "none": "none"}.get(choice, "auto"), None
    known = as_dict(choice)
    kind = as_str(known.get("type"))
    if kind == "allowed_tools":
        return allowed(known)
    if kind in ACTIONS:
        return f"={kind}", None
    if kind.startswith("web_search"):
        return "=web_search", None
    name = as_str(known.get("name"))
    return (f"={name}" if name and kind in ("function", "custom") else "auto"), None


def _answer(form: dict[str, Any]) -> dict[str, Any] | None:
    if form.get("type") == "json_object":
        return {"name": "answer", "schema": {}, "strict": False}
    if form.get("type") != "json_schema":
        return None
    return {
        "name": as_str(form.get("name")) or "answer",
        "schema": as_dict(form.get("schema")),
        "strict": form.get("strict") is True,
    }


def _turns(body: dict[str, Any]) -> list[Turn]:
    turns: list[Turn] = []
    instructions = as_str(body.get("instructions"))
    if instructions.strip():
        turns.append(Turn(role="system", pieces=[Text(text=instructions)]))
    given = body.get("input")
    if isinstance(given, str):
        return [*turns, Turn(role="user", pieces=[Text(text=given)] if given else [])]
    for entry in as_list(given):
        turn = _turn(entry)
        if turn is None:
            continue
        # Responses has one item for each piece: those of one answer, and the results after it, go together.
        last = turns[-1] if turns else None
        if last is not None and last.role == turn.role and _joins(last, turn):
            turns[-1] = Turn(role=last.role, pieces=[*last.pieces, *turn.pieces])
        else:
            turns.append(turn)
    return turns


def _joins(last: Turn, turn: Turn) -> bool:
    if turn.role == "agent":
        return True
    return all(isinstance(piece, Result) for piece in [*last.pieces, *turn.pieces])


def _turn(entry: Any) -> Turn | None:
    known = as_dict(entry)
    kind = as_str(known.get("type")) or ("message" if "role" in known else "")
    if kind == "message":
        return _message(known)
    if kind == "agent_message":
        return Turn(role="user", pieces=[*_between_agents(known)])
    if kind in AGENT:
        return Turn(role="agent", pieces=_agent_item(known, kind))
    if kind.endswith("_output") and kind not in PROVIDER_ITEMS:
        return Turn(role="user", pieces=[_result(known)])
    if kind == "item_reference":
        raise CannotTranslate("The request names an item that is stored at OpenAI; it is not in the request.")
    if kind in COMPACTED:
        raise CannotTranslate(
            "The history was compacted by OpenAI into an encrypted item that no other provider can read."
        )
    if kind == "compaction_trigger":
        raise CannotTranslate("The request wants the history compacted by OpenAI.")
    if kind in PROVIDER_ITEMS or not known:
        return None
    return Turn(role="agent", pieces=[Text(text=json_text(entry))])


def _message(known: dict[str, Any]) -> Turn:
    content = known.get("content")
    parts = [content] if isinstance(content, str | dict) else as_list(content)
    shown = [piece for part in parts if (piece := _part(part)) is not None]
    words = [piece for piece in shown if isinstance(piece, Text)]
    if known.get("role") == "assistant":
        return Turn(role="agent", pieces=[*words])
    if known.get("role") in ("system", "developer"):
        return Turn(role="system", pieces=[*words])
    return Turn(role="user", pieces=[*shown])


def _between_agents(known: dict[str, Any]) -> list[Text | Image | Document]:
    """What one of Codex's agents tells another.

    `encrypted_content` is the argument of the call that sent it, which only OpenAI encrypts: with another
    upstream it is plain.
    """
    shown: list[Text | Image | Document] = []
    for part in as_list(known.get("content")):
        sealed = as_dict(part).get("encrypted_content")
        if isinstance(sealed, str):
            part = UNREADABLE if SEALED.fullmatch(sealed) else sealed
        piece = _part(part)
        last = shown[-1] if shown else None
        if isinstance(piece, Text) and isinstance(last, Text):
            shown[-1] = Text(text=last.text + piece.text)
        elif piece is not None:
            shown.append(piece)
    return shown


def _agent_item(known: dict[str, Any], kind: str) -> list[Piece]:
    if kind == "reasoning":
        return _thought(known)
    call_id = as_str(known.get("call_id")) or as_str(known.get("id"))
    shape = kind.removesuffix("_call")
    if shape in ACTIONS:
        given = {key: v for key, v in as_dict(known.get(ACTIONS[shape][0])).items() if v is not None}
        if shape == "local_shell":
            given.pop("type", None)
        return [Call(call_id=call_id, name=shape, arguments=to_json(given))]
    raw = kind == "custom_tool_call"
    text = known.get("input" if raw else "arguments")
    return [
        Call(
            call_id=call_id,
            name=as_str(known.get("name")),
            namespace=as_str(known.get("namespace")),
            arguments=text if isinstance(text, str) else to_json({} if text is None else text),
            raw=raw,
        )
    ]


def _thought(known: dict[str, Any]) -> list[Piece]:
    text = "\n\n".join(
        as_str(part.get("text"))
        for key in ("summary", "content")
        for part in map(as_dict, as_list(known.get(key)))
        if part.get("text")
    )
    envelope = as_str(known.get("encrypted_content"))
    seal = unpack(envelope)
    if seal is not None:
        return [Thought(text=text or as_str(seal.get("text")), seal=seal)]
    if foreign(envelope):
        return []
    item = {key: value for key, value in known.items() if key not in ("type", "status")}
    return [Thought(text=text, seal={"from": "responses", "item": item})]


def _result(known: dict[str, Any]) -> Result:
    output = known.get("output")
    failed = False
    if isinstance(output, dict) and ("content" in output or "success" in output):
        failed = output.get("success") is False
        output = output.get("content")
    parts = [output] if isinstance(output, str | dict) else as_list(output)
    # One refused would make the rest of the conversation impossible: a tool gave it, not the user.
    told = [UNHEARD if as_dict(part).get("type") == "input_audio" else part for part in parts]
    return Result(
        call_id=as_str(known.get("call_id")) or as_str(known.get("id")),
        content=[shown for part in told if (shown := _part(part)) is not None],
        is_error=failed or known.get("status") == "failed",
    )


def _part(part: Any) -> Text | Image | Document | None:
    if isinstance(part, str):
        return Text(text=part) if part else None
    known = as_dict(part)
    kind = known.get("type")
    if kind in ("input_text", "output_text", "text", "summary_text"):
        text = as_str(known.get("text"))
        return Text(text=text) if text else None
    if kind == "refusal":
        return Text(text=as_str(known.get("refusal")) or "(refused)")
    if kind in ("input_image", "input_file") and known.get("file_id"):
        raise CannotTranslate("The request shows a file by an id that only its own provider can read.")
    if kind == "input_image":
        given = known.get("image_url")
        url = given if isinstance(given, str) else as_str(as_dict(given).get("url"))
        detail = as_str(known.get("detail"))
        if url.startswith("data:"):
            media_type, data = data_url(url)
            return Image(media_type=media_type, data=data, detail=detail)
        return Image(url=url, detail=detail)
    if kind == "input_file":
        data, media_type = as_str(known.get("file_data")), "application/pdf"
        if data.startswith("data:"):
            media_type, data = data_url(data)
        url = as_str(known.get("file_url"))
        return Document(name=as_str(known.get("filename")), media_type=media_type, data=data, url=url)
    if kind == "input_audio":
        raise CannotTranslate("The request holds sound; the upstream reads text and images.")
    return Text(text=json_text(part)) if part is not None else None
