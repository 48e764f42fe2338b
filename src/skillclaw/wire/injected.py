"""Which texts in a user's place the host put there, and which stand for a shortened history."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from skillclaw.trajectory.model import text_of
from skillclaw.wire.records import Item

__all__ = [
    "is_compaction",
    "is_injected",
    "is_review",
    "split_injected",
    "told_apart",
    "user_items",
    "without_summary",
]

# A text that starts like this was written by the host. Claude Code: reminders, command output, skill bodies,
# task notifications; Codex: context blocks, AGENTS.md, skill bodies; gemini-cli: context, files that the user
# named, what a sub-agent is told that does not report; OpenClaw, nanobot, Copilot, qwen-code, Hermes;
# OpenHands: texts that a word of the user's brought in; opencode: files and sub-agents that the user named,
# what stands for commands and for a shortened history.
INJECTED = re.compile(
    r"""\s*(?:
      <(?:system-reminder|environments?_context|user_instructions|permissions[ ]instructions
         |skills_instructions|skill|skill-context|turn_aborted|subagent_notification|collaboration_mode|personality_spec
         |apps_instructions|plugins_instructions|model_switch|user_shell_command|user_action|goal_context
         |context_window|token_budget|local-command-caveat|local-command-stdout|local-command-stderr
         |command-name|command-message|command-args|bash-input|bash-stdout|bash-stderr|task-notification
         |teammate-message|tick|available_skills|project_context
         |ide_opened_file|ide_selection|ide_diagnostics|user-prompt-submit-hook|session_context|hook_context
         |mode_notice|EXTRA_INFO|runtime_context)[\s>]
      | \#[ ]AGENTS\.md[ ]instructions
      | Base[ ]directory[ ]for[ ]this[ ]skill:
      | Caveat:[ ]The[ ]messages[ ]below[ ]were[ ]generated
      | \[Request[ ]interrupted[ ]by[ ]user
      | Continue[ ]from[ ]where[ ]you[ ]left[ ]off\.\s*\Z
      | <<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>
      | \[nanobot-ctx\]
      | \[(?:Runtime[ ]Context|Active[ ]Skills|Goal[ ]Runtime[ ]Guidance)[ ]\u2014[ ][^\]\n]{1,80}\]
      | \[Subagent[ ]'[^'\n]{0,200}'[ ][^\]\n]{1,80}\]\s*\n\s*Task:
      | The[ ]scheduled[ ]time[ ]has[ ]arrived\.[ ]Execute[ ]this[ ]scheduled[ ]cron[ ]job
      | Called[ ]the[ ]Read[ ]tool[ ]with[ ]the[ ]following[ ]input:[ ]\{
      | <path>[^<\n]{1,4096}</path>\n<type>(?:file|directory)</type>\n
      | Read[ ]tool[ ]failed[ ]to[ ]read[ ][^\n]{1,4096}[ ]with[ ]the[ ]following[ ]error:
      | Use[ ]the[ ]above[ ]message[ ]and[ ]context[ ]to[ ]generate[ ]a[ ]prompt[ ]and[ ]call[ ]the[ ]task
      | The[ ]following[ ]tool[ ]was[ ]executed[ ]by[ ]the[ ]user\s*\Z
      | Summarize[ ]the[ ]task[ ]tool[ ]output[ ]above[ ]and[ ]continue[ ]with[ ]your[ ]task\.\s*\Z
      | Continue[ ]if[ ]you[ ]have[ ]next[ ]steps,[ ]or[ ]stop[ ]and[ ]ask[ ]for[ ]clarification[ ]if[ ]you
        [ ]are[ ]unsure[ ]how[ ]to[ ]proceed\.\s*\Z
      | Stop[ ]hook[ ]feedback:
      | ---[ ]Content[ ]from[ ]referenced[ ]files[ ]---
      | Warning:[ ]apply_patch[ ]was[ ]requested[ ]via
      | You[ ]have[ ]stopped[ ]calling[ ]tools[ ]without[ ]finishing\.
      | \[ASYNC[ ]DELEGATION[ ]
      | \[IMPORTANT:[ ](?:Background[ ]process|MCP[ ]servers[ ]have)
      | \[IMPORTANT:[ ]The[ ](?:"|user[ ](?:has[ ]invoked|launched))
      | \[Continuing[ ]toward[ ]your[ ]standing[ ]goal\]
      | \[System:[ ]
      | \[Your[ ]active[ ]task[ ]list[ ]was[ ]preserved
      | You[ ]just[ ]executed[ ]tool[ ]calls[ ]but[ ]returned[ ]an[ ]empty[ ]response\.
      | You've[ ]reached[ ]the[ ]maximum[ ]number[ ]of[ ]tool-calling[ ]iterations
      | Continue[ ]from[ ]the[ ]compressed[ ]conversation[ ]context[ ]above\.
    )""",
    re.VERBOSE,
)

# What Hermes (0.19, and before) asks of a fork of the conversation to see what is to be remembered, and of
# sessions of its own that tend its skills.
REVIEW = re.compile(
    r"""\s*(?:
      Review[ ]the[ ]conversation[ ]above[ ]and[ ](?:
        update[ ](?:the[ ]skill[ ]library\.|two[ ]things:)
        | consider[ ]two[ ]things:
        | consider[ ]saving[ ](?:to[ ]memory|or[ ]updating[ ]a[ ]skill)[ ]if[ ]appropriate\.)
      | You[ ]are[ ]running[ ]as[ ]Hermes'[ ]background[ ]skill[ ]CURATOR\b
    )""",
    re.VERBOSE,
)

# Claude Code, Codex, gemini-cli, pi, aider, nanobot, OpenHands (as its prompt asks for it).
COMPACTION = re.compile(
    r"""\s*(?:
      This[ ]session[ ]is[ ]being[ ]continued[ ]from[ ]a[ ]previous[ ]conversation
      | Another[ ]language[ ]model[ ]started[ ]to[ ]solve[ ]this[ ]problem
      | <(?:compaction_summary|conversation_summary|state_snapshot|system-info)>
      | The[ ]conversation[ ]history[ ]before[ ]this[ ]point[ ]was[ ]compacted
      | The[ ]following[ ]is[ ]a[ ]summary[ ]of[ ]a[ ]branch[ ]that[ ]this[ ]conversation[ ]came[ ]back
      | I[ ]spoke[ ]to[ ]you[ ]previously[ ]about[ ]a[ ]number[ ]of[ ]things\.\n
      | Continue[ ]the[ ]active[ ]task[ ]from[ ]the[ ]working-memory[ ]checkpoint[ ]above\.\s*\Z
      | USER_CONTEXT:[ ]
      | Some[ ]of[ ]the[ ]conversation[ ]history[ ]has[ ]been[ ]summarized[ ]to[ ]free[ ]up[ ]context\.\n
      | \[CONTEXT[ ](?:COMPACTION|SUMMARY)\b
      | \[END[ ]OF[ ]PRIOR[ ]CONTEXT\b
    )""",
    re.VERBOSE,
)

# pi: a command that the user ran himself, as the host tells the model of it.
RAN = re.compile(r"Ran `.{1,4096}?`\n(?:```\n|\(no output\))", re.DOTALL)
RAN_END = re.compile(
    r"(?:\n```|\(no output\))(?:\n\n\(command cancelled\)|\n\nCommand exited with code -?\d{1,10})?"
    r"(?:\n\n\[Output truncated\.[^\n]{0,4096})?\s*\Z"
)

# What hosts glue to the user's words: reminders (Claude Code); what Hermes' memory found; nanobot, behind;
# PicoClaw (by its documentation).
GLUED = (
    ("<system-reminder>", "</system-reminder>"),
    ("<memory-context>", "</memory-context>"),
    ("[Active Skills \u2014", "[/Active Skills]"),
    ("[Runtime Context \u2014", "[/Runtime Context]"),
    ("<runtime_context>", "</runtime_context>"),
)

# Copilot: the time, before each thing that the user says.
DATED = re.compile(r"<current_datetime>[^<\n]{1,64}</current_datetime>\n{0,2}")

# opencode puts this before the summary of a shortened history, as if the user had asked for it.
SO_FAR = "What did we do so far?"

# pi: the user wrote `/skill:name words`; the skill stands before his words.
PI_SKILL = re.compile(r'<skill name="[^"\n]{1,128}" location="[^"\n]{0,4096}">\n')
PI_SKILL_END = re.compile(r"\n</skill>(?=\n\n|\s*\Z)")

# QwenPaw, before the first words of a new installation.
GUIDE = re.compile(r"\A# (?:引导模式|BOOTSTRAP MODE)\n[^#]{1,2000}?\n---\n\n\s*")
# Hermes: what stood before, and behind it the summary, in one message of either side.
PRIOR = "[PRIOR CONTEXT — for reference only; not a new message]\n"
SUMMARY = "[END OF PRIOR CONTEXT — COMPACTION SUMMARY BELOW]"
# Hermes: the user invoked skills, whose texts stand around what he asked.
SKILL = "[IMPORTANT: The user has invoked the "
ASKED = "The user has provided the following instruction alongside the skill invocation: "
ASKED_OF_MANY = "\nUser instruction: "
BEHIND = ("\n\n[Runtime note:", "\n\n[Loaded as part of the ")

# gemini-cli and qwen-code put the files that the user named behind the user's words, each a part of its own.
FILES, FILES_END = "--- Content from referenced files ---", "--- End of content ---"
# What they put in the agent's place behind a context or a summary of their own; no model said it.
THANKS = re.compile(r"Got it\. Thanks for the (?:additional )?context!\s*\Z")
# Cline's own history, and what it sends from its terminal interface.
INPUT = re.compile(r"\A\s*<user_input\b[^>]{0,80}>(.*)</user_input>\s*\Z", re.DOTALL)


def is_injected(text: str) -> bool:
    """Whether the host, not the user, wrote this text."""
    if INJECTED.match(text) is not None or is_review(text) or is_compaction(text):
        return True
    return RAN.match(text) is not None and RAN_END.search(text[-4500:]) is not None


def is_review(text: str) -> bool:
    """Whether the host asks its model to look back, with the tools and the id of the conversation itself."""
    return REVIEW.match(text) is not None


def is_compaction(text: str) -> bool:
    """Whether this text stands for a shortened history."""
    return COMPACTION.match(text) is not None


def split_injected(text: str) -> list[tuple[str, bool]]:
    """A user text as (text, injected) pieces: what the host glued to it stands alone."""
    if text.startswith(SKILL):
        return _skill_invocation(text)
    if guide := GUIDE.match(text):
        return [(guide[0], True), *split_injected(text[guide.end() :])]
    if text.startswith(PRIOR) and SUMMARY in text:
        before, _, behind = text.removeprefix(PRIOR).partition(SUMMARY)
        told = split_injected(before.rstrip("\n")) if before.strip() else []
        return [*told, (SUMMARY + behind, True)]
    pieces: list[tuple[str, bool]] = []
    if dated := DATED.match(text):
        pieces.append((dated[0].rstrip("\n"), True))
        text = text[dated.end() :]
    if PI_SKILL.match(text) and (found := PI_SKILL_END.search(text)) is not None:
        pieces.append((text[: found.end()], True))
        text = text[found.end() :].lstrip("\n")
    at = 0
    for start, close in _blocks(text):
        before, block = text[at:start], text[start:close]
        if before.strip():
            pieces.append((before, is_injected(before)))
        pieces.append((block, True))
        at = close
    text = text[at:]
    if text.strip() or not pieces:
        pieces.append((text, is_injected(text)))
    return pieces


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Where each glued block begins and ends, in their order; one that is not closed is none."""
    # (start, end) of each pair's next block: looked for again only behind that, a text may have megabytes.
    ahead = {pair: _next(text, pair, 0) for pair in GLUED if pair[0] in text}
    at = 0
    while True:
        for pair, found in list(ahead.items()):
            if found is not None and found[0] < at:
                found = _next(text, pair, at)
            if found is None:
                del ahead[pair]
            else:
                ahead[pair] = found
        if not ahead:
            return
        start, at = min(found for found in ahead.values() if found is not None)
        yield start, at


def _next(text: str, pair: tuple[str, str], at: int) -> tuple[int, int] | None:
    opening, closing = pair
    start = text.find(opening, at)
    end = text.find(closing, start + len(opening)) if start >= 0 else -1
    return (start, end + len(closing)) if end >= 0 else None


def _skill_invocation(text: str) -> list[tuple[str, bool]]:
    """The skills' texts, and the user's own words between or behind them."""
    start, mark = text.rfind(ASKED), ASKED
    if start < 0:
        start, mark = text.find(ASKED_OF_MANY), ASKED_OF_MANY
    if start < 0:
        return [(text, True)]
    start += len(mark)
    end = min((at for sign in BEHIND if (at := text.find(sign, start)) >= 0), default=len(text))
    pieces = [(text[:start], True), (text[start:end], False), (text[end:], True)]
    return [(piece, injected) for piece, injected in pieces if piece.strip()]


def without_summary(item: Item) -> list[Item]:
    """What the agent said, and apart from it the summary of a shortened history that the host put there."""
    text = item.content
    if item.role != "agent" or item.kind != "text" or not isinstance(text, str):
        return [item]
    before, behind = "", ""
    if text.startswith(PRIOR) and SUMMARY in text:
        before, _, behind = text.removeprefix(PRIOR).partition(SUMMARY)
        behind = SUMMARY + behind
    elif is_compaction(text):
        behind = text
    if not behind:
        return [item]
    told = [msgspec.structs.replace(item, content=before.strip("\n"))] if before.strip() else []
    summary = Item(role="user", kind="text", content=behind, group=item.group, injected=True, compaction=True)
    return [*told, summary]


def told_apart(items: list[Item]) -> list[Item]:
    """The items of a request, with what only its neighbours show to be the host's marked as such."""
    made: list[Item] = []
    inside = False
    for at, item in enumerate(items):
        text = item.content if item.kind == "text" and isinstance(item.content, str) else ""
        if item.role != "user" or item.kind != "text":
            inside = False
        elif text.lstrip().startswith(FILES):
            inside = True
        if inside:
            inside = not text.lstrip().startswith(FILES_END)
            item = msgspec.structs.replace(item, injected=True)
        elif item.role == "agent" and THANKS.match(text) and made and made[-1].injected:
            item = msgspec.structs.replace(item, role="system", injected=True)
        elif text.strip() == SO_FAR and _begins_shortened(items, at):
            item = msgspec.structs.replace(item, injected=True, compaction=True)
        made.append(item)
    return made


def _begins_shortened(items: list[Item], at: int) -> bool:
    """Whether the item is the first of a conversation, and a summary in the host's own form follows it."""
    behind = items[at + 1 : at + 2]
    first = all(item.role == "system" for item in items[:at])
    return first and any(item.role == "agent" and text_of(item.content).startswith("## ") for item in behind)


def user_items(text: str, group: int) -> list[Item]:
    """A text in the user's place as items: the user's words, and apart from them what the host put there."""
    if wrapped := INPUT.match(text):
        text = wrapped[1]
    return [
        Item(
            role="user",
            kind="text",
            content=piece,
            group=group,
            injected=injected,
            compaction=is_compaction(piece),
        )
        for piece, injected in split_injected(text)
        if piece
    ]
