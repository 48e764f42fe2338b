"""Which skills were before the agent: offered in a list, read, invoked; and which version it was.

A version is credited only when the very text that the agent saw is that version's SKILL.md, or its body
without the frontmatter. The server makes the index with `known_bodies` and hands it to `credit`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import msgspec

from skillclaw.trajectory.model import (
    SkillUse,
    Step,
    ToolCall,
    Trajectory,
    meta,
    step_meta,
    text_of,
    with_meta,
)
from skillclaw.trajectory.skilltexts import given_by_tool, is_asked, shown, told

__all__ = ["bodies", "body_digest", "credit", "known_bodies", "plain_name", "skills_seen"]

SKILL_TOOLS = frozenset({"skill", "skills", "activate_skill", "invoke_skill", "skill_view", "read_skill"})
"""Tools that open a skill by name: Claude Code, opencode, QwenPaw, qwen-code, Copilot; Cline; gemini-cli;
OpenHands; Hermes; ZeroClaw."""
NAME_KEYS = ("skill", "name", "skill_name", "command")

LIST_HEADS = re.compile(
    r"(?m)^(?:The following skills are available[^\n]*|#{1,4} Available skills\s*|<available_skills>\s*"
    r"|#{1,4} (?:Workspace|Agent Plugin|Built-in) skills \(`[^`\n]*`\)\s*)$"
)
LISTED = re.compile(r"[ \t]*- (?:`|\*\*)?([A-Za-z0-9][\w:./-]{0,127}?)(?:`|\*\*)?(?::(?:\s|$)| \u2014 |\s*$)")
# Cline names them in the description of its tool.
NAMED = re.compile(r"\bAvailable skills: ((?:[\w:./-]{1,128}, ){0,2000}[\w:./-]{1,128})\.(?:\s|\Z)")
XML_LISTS = ("<available_skills>", "<available-skills>", "<agent-skills>", "<skills>")
XML_LISTED = re.compile(r"<skill>\s*<name>\s{0,64}([^\s<](?:[^<\n]{0,126}[^\s<])?)\s{0,64}</name>")
# The patterns below are anchored or bounded: a result may hold megabytes of anything.
SKILL_FILE = re.compile(r"[/\\]SKILL\.md\b", re.IGNORECASE)
FOLDER = re.compile(r"[^\s'\"`/\\=:;|&<>()]+\Z")
NUMBERED = re.compile(r"[ \t]*(\d+)(?:→|\t|\||: ?)(.*)\Z", re.DOTALL)
FRONTMATTER = re.compile(r"\A---[ \t]*\n.*?\n---[ \t]*(?:\n|\Z)", re.DOTALL)


def skills_seen(trajectory: Trajectory) -> list[SkillUse]:
    """The skills that were before the agent, by name.

    Steps are those of the session itself; of a skill that only a sub-agent saw, only that it was offered.
    """
    found: dict[str, SkillUse] = {}
    for name in _offered(trajectory):
        found[name] = SkillUse(name=name, offered=True)
    for name, step, kind in _uses(trajectory):
        known = found.get(name, SkillUse(name=name))
        if getattr(known, kind) is None:
            found[name] = msgspec.structs.replace(known, **{kind: step})
    for sub in trajectory.subagent_trajectories or []:
        for use in skills_seen(sub):
            found.setdefault(use.name, SkillUse(name=use.name, offered=use.offered))
    return [found[name] for name in sorted(found)]


def bodies(trajectory: Trajectory) -> list[tuple[str, int, str]]:
    """(skill, step_id, text) of each skill text that the agent saw, in order; without sub-agents' own."""
    found: list[tuple[str, int, str]] = []
    for step in trajectory.steps:
        found += [(name, step.step_id, body) for name, body in _step_bodies(step) if body.strip()]
    return found


def credit(trajectory: Trajectory, known: Mapping[str, tuple[str, str]]) -> Trajectory:
    """The trajectory with `skills` set: what was seen, and the version where the text seen is a known one.

    `known` maps digests to (hub, version), as `known_bodies` makes them. A sub-agent's reading counts for
    its root. What was set before (the library's state at the session's start) stays where nothing is seen.
    """
    uses = {use.name: use for use in meta(trajectory).skills}
    for use in skills_seen(trajectory):
        before = uses.get(use.name, SkillUse(name=use.name))
        uses[use.name] = msgspec.structs.replace(
            before,
            offered=before.offered or use.offered,
            read_step=use.read_step if use.read_step is not None else before.read_step,
            invoked_step=use.invoked_step if use.invoked_step is not None else before.invoked_step,
        )
    for name, text in _all_bodies(trajectory):
        match = known.get(body_digest(text))
        if match is not None:
            use = uses.get(name, SkillUse(name=name))
            uses[name] = msgspec.structs.replace(use, hub=match[0], version=match[1])
    ordered = [uses[name] for name in sorted(uses)]
    return with_meta(trajectory, msgspec.structs.replace(meta(trajectory), skills=ordered))


def body_digest(text: str) -> str:
    """SHA-256 (hex) of a skill text, the same however a tool showed it.

    Line numbers (`   1→`, `1<tab>`) and blanks around the text are taken off, line ends are LF.
    """
    return hashlib.sha256(_plain(text).encode("utf-8", "replace")).hexdigest()


def known_bodies(hub: str, version: str, skill_md: str) -> dict[str, tuple[str, str]]:
    """The entries of one release for `credit`: its SKILL.md, and its body without the frontmatter.

    Two versions with one body (a new description only) share an entry; add the current one last.
    """
    plain = _plain(skill_md)
    texts = {plain, FRONTMATTER.sub("", plain, count=1)}
    return {body_digest(text): (hub, version) for text in texts if text.strip()}


def plain_name(name: str) -> str:
    """A skill's name without the category or plugin that some agents put before it."""
    return re.split(r"[/:]", name.strip())[-1]


def _plain(text: str) -> str:
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    return _unnumbered(text).strip()


def _unnumbered(text: str) -> str:
    """The text without line numbers, if every line has the next one."""
    lines = text.strip("\n").split("\n")
    bare: list[str] = []
    last: int | None = None
    for line in lines:
        found = NUMBERED.match(line)
        if found is None or len(found[1]) > 9 or (last is not None and int(found[1]) != last + 1):
            return text
        last = int(found[1])
        bare.append(found[2])
    if all("|" in line for line in lines) and all(line.startswith(" ") for line in bare):
        bare = [line[1:] for line in bare]  # nanobot puts a blank behind the bar
    return "\n".join(bare)


def _host_texts(trajectory: Trajectory) -> Iterator[str]:
    """What the host said: system prompts, injected texts, descriptions of tools."""
    for step in trajectory.steps:
        if step.source == "system" or step_meta(step).injected:
            yield text_of(step.message)
    for tool in trajectory.agent.tool_definitions or []:
        function: Any = tool.get("function", tool)
        description = function.get("description") if isinstance(function, dict) else None
        if isinstance(description, str):
            yield description


def _offered(trajectory: Trajectory) -> set[str]:
    names: set[str] = set()
    for text in _host_texts(trajectory):
        heads = list(LIST_HEADS.finditer(text))
        for head, behind in zip_longest(heads, heads[1:]):
            names |= _listed(text[head.end() : behind.start() if behind else len(text)])
        for found in NAMED.finditer(text):
            names |= set(found[1].split(", "))
        if any(tag in text for tag in XML_LISTS):
            names |= set(XML_LISTED.findall(text))
    return names


def _listed(text: str) -> set[str]:
    """The names of a list `- name: description`, which ends at a heading, a tag or another paragraph."""
    names: set[str] = set()
    blank = False
    for line in text.split("\n"):
        found = LISTED.match(line)
        if found:
            names.add(found[1])
            blank = False
        elif not line.strip():
            blank = True
        elif line.startswith(("#", "</", "<")) or (blank and not line.startswith((" ", "\t"))):
            break
    return names


def _uses(trajectory: Trajectory) -> Iterator[tuple[str, int, str]]:
    """(skill, step_id, `read_step` or `invoked_step`) as they come."""
    for step in trajectory.steps:
        for call in step.tool_calls or []:
            name = _invoked(call)
            if name:
                yield name, step.step_id, "invoked_step"
        # Codex and nanobot put the text there because the user wrote `$name`, pi because of
        # `/skill:name`, Hermes because of `/name`.
        asked = step.source == "user" and is_asked(text_of(step.message))
        for name, _ in _step_bodies(step):
            yield name, step.step_id, "read_step"
            if asked:
                yield name, step.step_id, "invoked_step"


def _invoked(call: ToolCall) -> str:
    if call.function_name.lower() not in SKILL_TOOLS:
        return ""
    given = next((call.arguments[key] for key in NAME_KEYS if isinstance(call.arguments.get(key), str)), "")
    # Hermes takes `category/name` as well.
    given = given.rpartition("/")[2] if call.function_name == "skill_view" else given.lstrip("/")
    return given.strip()[:128]


def _step_bodies(step: Step) -> Iterator[tuple[str, str]]:
    """(skill, text) of each skill text in a step."""
    if step.source != "agent":
        yield from told(text_of(step.message), step.source == "user")
        return
    results = step.observation.results if step.observation else []
    for call in step.tool_calls or []:
        texts = [text_of(r.content) for r in results if r.source_call_id == call.tool_call_id]
        if not texts:
            continue
        text = "\n".join(texts)
        invoked = _invoked(call)
        if invoked:
            yield from given_by_tool(text, invoked)
            continue
        for name in _files(call):
            yield name, shown(text)


def _files(call: ToolCall) -> list[str]:
    """The skills whose SKILL.md the call reads, by its path or its command."""
    words: list[str] = []
    for value in call.arguments.values():
        if isinstance(value, str):
            words.append(value)
        elif isinstance(value, list):
            words += [word for word in value if isinstance(word, str)]
            words += [word for item in value if isinstance(item, dict) for word in map(str, item.values())]
    short = call.function_name.rpartition(".")[2].lower()
    changes = any(
        verb in short for verb in ("write", "edit", "patch", "create", "replace", "delete", "search", "grep")
    )
    # Editors with a command to look at a file: OpenHands, Anthropic's text editor.
    if changes and call.arguments.get("command") != "view":
        return []
    return list(dict.fromkeys(name for word in words for name in _folders(word)))


def _folders(text: str) -> Iterator[str]:
    """The folder that each SKILL.md named in the text lies in."""
    for found in SKILL_FILE.finditer(text):
        folder = FOLDER.search(text[max(0, found.start() - 128) : found.start()].rstrip("/\\"))
        if folder:
            yield folder[0]


def _all_bodies(trajectory: Trajectory) -> Iterator[tuple[str, str]]:
    for name, _, text in bodies(trajectory):
        yield name, text
    for sub in trajectory.subagent_trajectories or []:
        yield from _all_bodies(sub)
