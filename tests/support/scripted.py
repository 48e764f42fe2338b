"""An LLM provider on loopback that plays a script, over real HTTP.

It speaks Anthropic Messages, OpenAI Chat Completions and Responses, Gemini (streamed or not), count_tokens
and models, and remembers every request and response byte for byte. What it answers is a function of the
request alone: the number of tool results since the last user message picks the step of the script, so
concurrent sessions need no state.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import scripted_gemini

HOST_TEXT = re.compile(
    r"^\s*<(?:system-reminder|environment_context|skills_instructions|user_instructions|skill-context)"
)
CLOCK = re.compile(r"^<current_datetime>[^<]*</current_datetime>\s*")


@dataclass(frozen=True)
class Shell:
    """The model asks for a shell command."""

    command: str


@dataclass(frozen=True)
class Spawn:
    """The model asks for a sub-agent, which runs one shell command and reports."""

    prompt: str
    command: str
    report: str


@dataclass(frozen=True)
class Tool:
    """The model asks for any other tool."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Skill:
    """The model opens a skill: by the host's tool for it, else by reading its file as the prompt has it."""

    name: str


Act = Shell | Spawn | Tool | Skill


@dataclass(frozen=True)
class Script:
    """What the model does for one task: tool steps, then a last word; without steps, also where there are no
    tools."""

    steps: tuple[Act, ...]
    final: str = "All done."


@dataclass(frozen=True)
class Seen:
    """One request with its answer, as bytes."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    answer: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    def header(self, name: str) -> str:
        return next((v for k, v in self.headers if k.lower() == name.lower()), "")


@dataclass
class Upstream:
    """The provider. `scripts` maps a word of the user's message to a script; the first to fit is played."""

    scripts: dict[str, Script]
    delay: float = 0.0
    seen: list[Seen] = field(default_factory=list)

    def __enter__(self) -> Upstream:
        upstream = self

        class Handler(_Handler):
            owner = upstream

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def script_for(self, text: str) -> Script | None:
        return next((script for word, script in self.scripts.items() if word in text), None)

    def spawned(self, text: str) -> Script | None:
        """The script of a sub-agent whose prompt is `text`."""
        return _spawned(self.scripts, text)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Upstream

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._send(200, b"", "application/json")

    def do_GET(self) -> None:
        models = {"object": "list", "data": [{"id": "scripted", "object": "model", "type": "model"}]}
        known = self.path.split("?")[0].endswith("/models")
        self._send(200 if known else 404, json.dumps(models if known else {}).encode(), "application/json")

    def do_POST(self) -> None:
        body = self._body()
        path = self.path.split("?")[0]
        request = json.loads(body)
        if google := scripted_gemini.asked(path):
            self._gemini(request, body, *google)
        elif (told := scripted_gemini.account(path)) is not None:
            self._send(200, told, "application/json", body)
        elif path.endswith("/count_tokens"):
            self._send(200, b'{"input_tokens": 42}', "application/json", body)
        elif path.endswith("/messages"):
            self._answer(request, body, *_anthropic(request, self.headers, self.owner))
        elif path.endswith("/chat/completions"):
            self._answer(request, body, *_chat(request, self.owner))
        elif path.endswith("/responses"):
            self._answer(request, body, *_responses(request, self.headers, self.owner))
        else:
            self._send(404, b'{"error": {"message": "no such path"}}', "application/json", body)

    def _gemini(self, request: Any, body: bytes, model: str, method: str) -> None:
        if method == "countTokens":
            self._send(200, b'{"totalTokens": 42}', "application/json", body)
            return
        whole, events = scripted_gemini.gemini(request, model, self.owner)
        self._answer({"stream": method == "streamGenerateContent"}, body, whole, events)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("transfer-encoding", ""):
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _answer(self, request: Any, body: bytes, whole: Any, events: list[tuple[str, Any]]) -> None:
        if not request.get("stream"):
            self._send(200, json.dumps(whole).encode(), "application/json", body)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.send_header("x-request-id", uuid.uuid4().hex)
        self.end_headers()
        sent = []
        for name, event in events:
            line = f"event: {name}\n" if name else ""
            data = f"{line}data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode()
            sent.append(data)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.flush()
            if self.owner.delay:
                time.sleep(self.owner.delay)
        self.wfile.write(b"0\r\n\r\n")
        self._remember(200, body, b"".join(sent))

    def _send(self, status: int, data: bytes, kind: str, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self._remember(status, body, data)

    def _remember(self, status: int, body: bytes, answer: bytes) -> None:
        headers = tuple((k, v) for k, v in self.headers.items())
        self.owner.seen.append(Seen(self.command, self.path, headers, body, status, answer))


# --- what to say


def _texts(content: Any) -> list[str]:
    texts = [content] if isinstance(content, str) else []
    if not texts:
        texts = [part.get("text", "") for part in content or [] if isinstance(part, dict)]
    # OpenClaw's own context stands behind the user's words, and may quote a task.
    return [text for text in texts if "BEGIN_OPENCLAW_INTERNAL_CONTEXT" not in text]


def _user_text(content: Any) -> str:
    texts = [CLOCK.sub("", text) for text in _texts(content)]
    return "\n".join(text for text in texts if text and not HOST_TEXT.match(text))


def _next(script: Script, done: int) -> Act | str:
    return script.steps[done] if done < len(script.steps) else script.final


def _spawned(scripts: dict[str, Script], text: str) -> Script | None:
    """The script of a sub-agent whose prompt is `text`."""
    for script in scripts.values():
        for step in script.steps:
            if isinstance(step, Spawn) and step.prompt in text:
                return Script(steps=(Shell(step.command),), final=step.report)
    return None


def _anthropic(request: Any, headers: Any, owner: Upstream) -> tuple[Any, list[tuple[str, Any]]]:
    said, done = "", 0
    for message in request.get("messages", []):
        if message["role"] != "user":
            continue
        content = message["content"]
        results = [p for p in content if p.get("type") == "tool_result"] if isinstance(content, list) else []
        text = _user_text(content)
        if results:
            done += len(results)
        elif text:
            said, done = text, 0
    sub = bool(headers.get("x-claude-code-agent-id"))
    script = _spawned(owner.scripts, said) if sub else owner.script_for(said)
    if script is None or (script.steps and not request.get("tools")):
        blocks: list[dict[str, Any]] = [{"type": "text", "text": '{"title": "Scripted title"}'}]
    else:
        step = _next(script, done)
        if isinstance(step, str):
            blocks = [{"type": "text", "text": step}]
        else:
            name, arguments = tool_for(step, request["tools"], request)
            blocks = [
                {"type": "text", "text": f"Step {done + 1}."},
                {
                    "type": "tool_use",
                    "id": f"toolu_{uuid.uuid4().hex[:20]}",
                    "name": name,
                    "input": arguments,
                },
            ]
    return _anthropic_wire(request, blocks)


SHELLS = (
    "bash",
    "shell",
    "run_shell_command",
    "exec",
    "terminal",
    "execute_bash",
    "execute_command",
    "run_commands",
    "execute_shell_command",
    "run_terminal_command",
)
SKILLS = ("skill", "skills", "activate_skill", "skill_view", "invoke_skill", "read_skill")
READERS = ("read", "read_file", "view", "file_read", "read_files", "view_file")
COMMANDS = ("command", "cmd", "commands", "script")
NAMES = ("skill", "name", "skill_name")
PATHS = ("path", "file_path", "filePath", "absolute_path", "file", "paths", "filename")


def tool_for(step: Act, tools: list[Any], request: Any) -> tuple[str, dict[str, Any]]:
    """The tool that a step needs, among those that the client offers in any protocol's shape."""
    known = _schemas(tools)
    lower = {name.lower(): name for name in known}
    if isinstance(step, Shell) and (name := _shell(known)):
        return name, _filled(known[name], COMMANDS, step.command)
    if isinstance(step, Skill):
        name = next((lower[name] for name in SKILLS if name in lower), None)
        if name is not None:
            return name, _filled(known[name], NAMES, step.name)
        text = json.dumps(request, ensure_ascii=False)
        found = re.search(rf"[^\s\"'<>`()]*/{re.escape(step.name)}/SKILL\.md", text)
        # nanobot names the folder in the heading of the list.
        root = re.search(r"### Workspace skills \(`([^`]+)`\)", text)
        path = found[0] if found else f"{root[1]}/{step.name}/SKILL.md" if root else f"{step.name}/SKILL.md"
        # Codex names the folders first: `r0` = `/home/ada/.agents/skills`.
        folder = re.search(rf"`{path.partition('/')[0]}` = `([^`]+)`", text)
        if folder:
            path = f"{folder[1]}/{path.partition('/')[2]}"
        name = next((lower[name] for name in READERS if name in lower), None)
        if name is not None:
            return name, _filled(known[name], PATHS, path)
        return tool_for(Shell(f"cat {path}"), tools, request)
    return _claude_tool(step, set(known))


def _schemas(tools: list[Any]) -> dict[str, dict[str, Any]]:
    """The parameters of each tool by its name."""
    known = {}
    for tool in tools:
        own = tool.get("function") if isinstance(tool.get("function"), dict) else tool
        schema = own.get("input_schema") or own.get("parameters") or own.get("parametersJsonSchema") or {}
        known[own.get("name") or ""] = schema
    return known


def _shell(known: dict[str, dict[str, Any]]) -> str:
    """The tool that runs a command, if it takes one as such; Claude Code and Codex have rules below."""
    if {"Bash", "exec_command"} & set(known):
        return ""
    fit = {
        name.lower(): name
        for name, schema in known.items()
        if any(key in schema.get("properties", {}) for key in COMMANDS)
    }
    return next((fit[name] for name in SHELLS if name in fit), "")


def _filled(schema: dict[str, Any], names: tuple[str, ...], value: str) -> dict[str, Any]:
    """Arguments with `value` where it belongs, and something for whatever else the tool insists on."""
    properties = schema.get("properties", {})
    key = next((name for name in names if name in properties), names[0])
    is_list = properties.get(key, {}).get("type") in ("array", "ARRAY")
    arguments: dict[str, Any] = {key: [value] if is_list else value}
    for name in schema.get("required", []):
        kind = str(properties.get(name, {}).get("type", "string")).lower()
        options = properties.get(name, {}).get("enum")
        empty = {"boolean": False, "integer": 1, "number": 1, "array": [], "object": {}}.get(
            kind, "as scripted"
        )
        arguments.setdefault(name, options[0] if options else empty)
    return arguments


def _claude_tool(step: Act, names: set[Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(step, Shell) and "exec_command" in names:  # Codex, through a translation
        return "exec_command", {"cmd": step.command}
    script = next((name for name in names if name and name.split("__")[-1] == "exec"), None)
    if isinstance(step, Shell) and script:  # Codex with its default model runs commands from JavaScript
        run = f"text(await tools.exec_command({json.dumps({'cmd': step.command})}))"
        return script, {"input": run}
    if isinstance(step, Shell):
        return "Bash", {"command": step.command, "description": "Run a scripted command"}
    if isinstance(step, Spawn):
        name = "Agent" if "Agent" in names else "Task"
        return name, {"description": "Help out", "prompt": step.prompt, "subagent_type": "general-purpose"}
    assert isinstance(step, Tool), "skills are opened by tool_for"
    return step.name, step.arguments


def _anthropic_wire(request: Any, blocks: list[dict[str, Any]]) -> tuple[Any, list[tuple[str, Any]]]:
    usage = {
        "input_tokens": 100,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 64,
        "output_tokens": 10,
    }
    reason = "tool_use" if blocks[-1]["type"] == "tool_use" else "end_turn"
    whole = {
        "id": f"msg_{uuid.uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": request.get("model", "scripted"),
        "content": blocks,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage,
    }
    start = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events: list[tuple[str, Any]] = [("message_start", {"type": "message_start", "message": start})]
    for index, block in enumerate(blocks):
        empty = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
        events.append(
            (
                "content_block_start",
                {"type": "content_block_start", "index": index, "content_block": empty},
            )
        )
        if block["type"] == "text":
            deltas = [{"type": "text_delta", "text": word} for word in re.findall(r"\S+\s*", block["text"])]
        else:
            given = json.dumps(block["input"])
            half = len(given) // 2
            deltas = [
                {"type": "input_json_delta", "partial_json": part} for part in (given[:half], given[half:])
            ]
        for delta in deltas:
            events.append(
                ("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})
            )
        events.append(("content_block_stop", {"type": "content_block_stop", "index": index}))
    events.append(
        (
            "message_delta",
            {
                "type": "message_delta",
                "delta": {"stop_reason": reason, "stop_sequence": None},
                "usage": {"output_tokens": 10},
            },
        )
    )
    events.append(("message_stop", {"type": "message_stop"}))
    return whole, events


def _chat(request: Any, owner: Upstream) -> tuple[Any, list[tuple[str, Any]]]:
    said, done = "", 0
    for message in request.get("messages", []):
        if message["role"] == "tool":
            done += 1
        elif message["role"] == "user":
            # Through a translation what the host says and what the user says may be one message.
            text = "\n".join(_texts(message["content"]))
            if owner.script_for(text):
                said, done = text, 0
    script = owner.script_for(said)
    names = {tool.get("function", {}).get("name") for tool in request.get("tools", [])}
    plays = script is not None and (names or not script.steps)
    step = _next(script, done) if script and plays else '{"title": "Scripted title"}'
    message: dict[str, Any] = {"role": "assistant", "content": step if isinstance(step, str) else None}
    if not isinstance(step, str):
        name, arguments = tool_for(step, request["tools"], request)
        call = {"name": name, "arguments": json.dumps(arguments)}
        ident = f"call_{uuid.uuid4().hex[:20]}"
        message["tool_calls"] = [{"id": ident, "type": "function", "function": call}]
    return _chat_wire(request, message)


def _chat_wire(request: Any, message: dict[str, Any]) -> tuple[Any, list[tuple[str, Any]]]:
    calls = message.get("tool_calls", [])
    reason = "tool_calls" if calls else "stop"
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    base = {
        "id": f"chatcmpl-{uuid.uuid4().hex[:20]}",
        "created": int(time.time()),
        "model": request.get("model", "scripted"),
    }
    choice = {"index": 0, "message": message, "finish_reason": reason}
    whole = {**base, "object": "chat.completion", "choices": [choice], "usage": usage}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in re.findall(r"\S+\s*", message["content"] or "")]
    for index, call in enumerate(calls):
        given = call["function"]["arguments"]
        half = len(given) // 2
        first = {**call, "index": index, "function": {**call["function"], "arguments": given[:half]}}
        deltas.append({"tool_calls": [first]})
        deltas.append({"tool_calls": [{"index": index, "function": {"arguments": given[half:]}}]})
    chunk = {**base, "object": "chat.completion.chunk"}
    events: list[tuple[str, Any]] = [
        ("", {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}) for delta in deltas
    ]
    events.append(("", {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
    if request.get("stream_options", {}).get("include_usage"):
        events.append(("", {**chunk, "choices": [], "usage": usage}))
    return whole, [*events, ("", "[DONE]")]


def _responses(request: Any, headers: Any, owner: Upstream) -> tuple[Any, list[tuple[str, Any]]]:
    said, done, last = "", 0, ""
    given = request.get("input")
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given or []:
        if item.get("type", "").endswith("_output"):
            done += 1
            last = item["output"] if isinstance(item["output"], str) else ""
        elif item.get("role") == "user":
            text = _user_text(item.get("content"))
            if text and not text.lstrip().startswith("<"):
                said, done = text, 0
    script = _spawned(owner.scripts, said) or owner.script_for(said)
    item_id = uuid.uuid4().hex[:20]
    step = _codex_step(script, done, last) if script and request.get("tools") else "Nothing scripted."
    if isinstance(step, str):
        item: dict[str, Any] = {
            "type": "message",
            "id": f"msg_{item_id}",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": step, "annotations": []}],
        }
    else:
        name, arguments, namespace = _codex_tool(step, request)
        item = {
            "type": "function_call",
            "id": f"fc_{item_id}",
            "call_id": f"call_{item_id}",
            "name": name,
            "arguments": json.dumps(arguments),
            "status": "completed",
        }
        if namespace:
            item["namespace"] = namespace
    return _responses_wire(request, item)


def _codex_step(script: Script, done: int, last: str) -> Act | str:
    """The next step; Codex's sub-agents run beside the main thread, which must wait for them itself."""
    steps: list[Act | None] = []
    for step in script.steps:
        steps += [step, None] if isinstance(step, Spawn) else [step]
    if done >= len(steps):
        return script.final
    return steps[done] or Tool("wait_agent", {"targets": [json.loads(last)["agent_id"]]})


def _codex_tool(step: Act, request: Any) -> tuple[str, dict[str, Any], str]:
    if isinstance(step, Skill) or (isinstance(step, Shell) and _shell(_schemas(request["tools"]))):
        return *tool_for(step, request["tools"], request), ""
    if isinstance(step, Shell):
        return "exec_command", {"cmd": step.command}, ""
    spawn = isinstance(step, Spawn)
    name, arguments = ("spawn_agent", {"message": step.prompt}) if spawn else (step.name, step.arguments)
    spaces = [tool for tool in request["tools"] if tool.get("type") == "namespace"]
    space = next((s["name"] for s in spaces if any(tool["name"] == name for tool in s["tools"])), "")
    return name, arguments, space


def _responses_wire(request: Any, item: dict[str, Any]) -> tuple[Any, list[tuple[str, Any]]]:
    whole: dict[str, Any] = {
        "id": f"resp_{uuid.uuid4().hex[:24]}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "model": request.get("model", "scripted"),
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "usage": {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 64},
            "output_tokens": 10,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 110,
        },
    }
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    at = {"output_index": 0}
    if item["type"] == "message":
        part = item["content"][0]
        events.append(
            {
                "type": "response.output_item.added",
                **at,
                "item": {**item, "status": "in_progress", "content": []},
            }
        )
        at_part = {**at, "item_id": item["id"], "content_index": 0}
        events.append({"type": "response.content_part.added", **at_part, "part": {**part, "text": ""}})
        events += [
            {"type": "response.output_text.delta", **at_part, "delta": word}
            for word in re.findall(r"\S+\s*", part["text"])
        ]
        events.append({"type": "response.output_text.done", **at_part, "text": part["text"]})
        events.append({"type": "response.content_part.done", **at_part, "part": part})
    else:
        events.append(
            {
                "type": "response.output_item.added",
                **at,
                "item": {**item, "status": "in_progress", "arguments": ""},
            }
        )
        at_item = {**at, "item_id": item["id"]}
        events.append(
            {"type": "response.function_call_arguments.delta", **at_item, "delta": item["arguments"]}
        )
        events.append(
            {"type": "response.function_call_arguments.done", **at_item, "arguments": item["arguments"]}
        )
    events.append({"type": "response.output_item.done", **at, "item": item})
    events.append({"type": "response.completed", "response": whole})
    return whole, [
        (event["type"], {**event, "sequence_number": number}) for number, event in enumerate(events)
    ]
