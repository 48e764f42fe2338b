"""An OpenAI Chat Completions request -> `Ask`."""

from __future__ import annotations

from typing import Any

from skillclaw.wire.content import as_dict, as_list, as_str, json_text, number
from skillclaw.wire.translate.form import (
    Ask,
    Call,
    CannotTranslate,
    Document,
    Image,
    Piece,
    Result,
    Seal,
    Text,
    Thought,
    Tool,
    Turn,
    to_json,
    whole_number,
)
from skillclaw.wire.translate.seal import foreign, unpack

__all__ = ["allowed", "data_url", "effort_of", "read", "tools"]


def read(body: dict[str, Any]) -> Ask:
    """The request; raises CannotTranslate on several answers, audio and the functions of before 2023."""
    if (whole_number(body.get("n")) or 1) > 1:
        raise CannotTranslate("The request wants several answers at once (n); the upstream gives one.")
    if body.get("functions"):
        raise CannotTranslate("The request uses `functions`, which came before `tools`.")
    if "audio" in as_list(body.get("modalities")):
        raise CannotTranslate("The request wants a spoken answer; the upstream gives text.")
    lost = [
        key
        for key in ("seed", "logit_bias", "presence_penalty", "frequency_penalty", "logprobs")
        if body.get(key)
    ]
    offered = tools(body)
    choice, chosen = _choice(body.get("tool_choice"))
    if chosen is not None:
        offered = [tool for tool in offered if tool.name in chosen]
    stop = body.get("stop")
    effort, thinks = effort_of(body.get("reasoning_effort") or as_dict(body.get("reasoning")).get("effort"))
    limit = whole_number(body.get("max_completion_tokens"))
    return Ask(
        model=as_str(body.get("model")),
        turns=[_turn(as_dict(message)) for message in as_list(body.get("messages"))],
        tools=offered,
        choice=choice,
        parallel=_flag(body.get("parallel_tool_calls")),
        max_tokens=whole_number(body.get("max_tokens")) if limit is None else limit,
        temperature=number(body.get("temperature")),
        top_p=number(body.get("top_p")),
        stops=[one for one in ([stop] if isinstance(stop, str) else as_list(stop)) if isinstance(one, str)],
        stream=body.get("stream") is True,
        thinks=thinks,
        effort=effort,
        answer=_answer(as_dict(body.get("response_format"))),
        user=as_str(body.get("safety_identifier")) or as_str(body.get("user")),
        cache_key=as_str(body.get("prompt_cache_key")),
        lost=lost,
    )


def effort_of(value: Any) -> tuple[str, bool | None]:
    """(effort, whether to think) of OpenAI's effort."""
    if value in ("none",):
        return "", False
    if value == "minimal":
        return "low", True
    if value in ("low", "medium", "high", "xhigh", "max"):
        return str(value), True
    return "", None


def allowed(choice: dict[str, Any]) -> tuple[str, set[str]]:
    """(mode, names) of a choice that allows some of the tools only."""
    names = {
        as_str(tool.get("name") or as_dict(tool.get("function") or tool.get("custom")).get("name"))
        for tool in map(as_dict, as_list(choice.get("tools")))
    }
    return ("any" if choice.get("mode") == "required" else "auto"), names


def _choice(choice: Any) -> tuple[str, set[str] | None]:
    if isinstance(choice, str):
        return {"required": "any", "none": "none"}.get(choice, "auto"), None
    known = as_dict(choice)
    if known.get("type") == "allowed_tools":
        return allowed(as_dict(known.get("allowed_tools")) or known)
    name = as_str(as_dict(known.get("function") or known.get("custom")).get("name"))
    return (f"={name}" if name else "auto"), None


def _answer(form: dict[str, Any]) -> dict[str, Any] | None:
    if form.get("type") == "json_object":
        return {"name": "answer", "schema": {}, "strict": False}
    known = as_dict(form.get("json_schema"))
    if form.get("type") != "json_schema" or not known:
        return None
    return {
        "name": as_str(known.get("name")) or "answer",
        "schema": as_dict(known.get("schema")),
        "strict": known.get("strict") is True,
    }


def tools(body: dict[str, Any]) -> list[Tool]:
    """The tools of a request."""
    found = []
    for tool in map(as_dict, as_list(body.get("tools"))):
        function, custom = as_dict(tool.get("function")), as_dict(tool.get("custom"))
        if as_str(function.get("name")):
            found.append(
                Tool(
                    name=function["name"],
                    description=as_str(function.get("description")),
                    schema=as_dict(function.get("parameters")),
                    strict=function.get("strict") is True,
                )
            )
        elif as_str(custom.get("name")):
            form = as_dict(custom.get("format"))
            found.append(
                Tool(
                    name=custom["name"],
                    description=as_str(custom.get("description")),
                    kind="custom",
                    grammar=as_dict(form.get("grammar")),
                )
            )
    return found


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _turn(message: dict[str, Any]) -> Turn:
    role = message.get("role")
    content = message.get("content")
    parts = [content] if isinstance(content, str | dict) else as_list(content)
    shown = [piece for part in parts if (piece := _part(part)) is not None]
    if role in ("tool", "function"):
        call_id = as_str(message.get("tool_call_id")) or as_str(message.get("name"))
        return Turn(role="user", pieces=[Result(call_id=call_id, content=shown)])
    if role in ("system", "developer"):
        return Turn(role="system", pieces=[piece for piece in shown if isinstance(piece, Text)])
    if role == "assistant":
        return Turn(role="agent", pieces=_agent(message, [p for p in shown if isinstance(p, Text)]))
    return Turn(role="user", pieces=[*shown])


def _agent(message: dict[str, Any], words: list[Text]) -> list[Piece]:
    pieces: list[Piece] = [*_thoughts(message), *words]
    if as_str(message.get("refusal")):
        pieces.append(Text(text=message["refusal"]))
    for call in map(as_dict, as_list(message.get("tool_calls"))):
        raw = call.get("type") == "custom"
        function = as_dict(call.get("custom" if raw else "function"))
        given = function.get("input" if raw else "arguments")
        pieces.append(
            Call(
                call_id=as_str(call.get("id")),
                name=as_str(function.get("name")),
                arguments=given if isinstance(given, str) else to_json({} if given is None else given),
                raw=raw,
            )
        )
    return pieces


def _thoughts(message: dict[str, Any]) -> list[Piece]:
    details = [as_dict(one) for one in as_list(message.get("reasoning_details"))]
    ours = [seal for one in details if (seal := unpack(_envelope(one))) is not None]
    if ours:
        return [Thought(text=as_str(seal.get("text")), seal=seal) for seal in ours]
    if any(foreign(_envelope(one)) for one in details):
        return []
    for field in ("reasoning_content", "reasoning"):
        text = as_str(message.get(field))
        if text or (details and field == "reasoning"):
            own: Seal = {"from": "chat", "field": field, "text": text}
            return [Thought(text=text, seal={**own, "details": details} if details else own)]
    return []


def _envelope(detail: dict[str, Any]) -> str:
    return as_str(detail.get("data")) or as_str(detail.get("signature"))


def data_url(url: str) -> tuple[str, str]:
    """(media type, base64) of a data URL."""
    head, _, data = url.partition(",")
    return head.removeprefix("data:").partition(";")[0], data


def _part(part: Any) -> Text | Image | Document | None:
    if isinstance(part, str):
        return Text(text=part) if part else None
    known = as_dict(part)
    kind = known.get("type")
    if kind == "text" or (kind in ("input_text", "output_text") and "text" in known):
        text = as_str(known.get("text"))
        return Text(text=text) if text else None
    if kind == "refusal":
        return Text(text=as_str(known.get("refusal")) or "(refused)")
    if kind == "image_url":
        image = known.get("image_url")
        url = image if isinstance(image, str) else as_str(as_dict(image).get("url"))
        detail = as_str(as_dict(image).get("detail"))
        if url.startswith("data:"):
            media_type, data = data_url(url)
            return Image(media_type=media_type, data=data, detail=detail)
        return Image(url=url, detail=detail)
    if kind == "file":
        return _file(as_dict(known.get("file")))
    if kind in ("input_audio", "video_url"):
        raise CannotTranslate("The request holds sound or film; the upstream reads text and images.")
    return Text(text=json_text(part)) if part is not None else None


def _file(file: dict[str, Any]) -> Document:
    data = as_str(file.get("file_data"))
    if not data:
        raise CannotTranslate("The request shows a file by an id that only its own provider can read.")
    media_type = "application/pdf"
    if data.startswith("data:"):
        media_type, data = data_url(data)
    return Document(name=as_str(file.get("filename")), media_type=media_type, data=data)
