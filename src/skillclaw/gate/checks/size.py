"""`size`: a skill stays short enough to be read (agentskills.io: < 5,000 tokens, 500 lines)."""

from __future__ import annotations

from skillclaw.gate.context import GateContext
from skillclaw.skills.bundle import SKILL_BYTES, SKILL_FILES
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Bundle, Proposal, Verdict
from skillclaw.skills.tokens import SKILL_TOKENS, estimate

__all__ = ["check", "name", "order", "static", "too_large"]

name = "size"
order = 20
MAX_TOKENS = 5000
MAX_LINES = 500
MAX_SKILL_BYTES = 40_000
"""OpenClaw refuses a larger SKILL.md."""


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects what hosts cannot take; holds a new SKILL.md that is longer than a focused skill should be."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement has no files.")]
    verdicts = static(proposal.bundle)
    tokens = _tokens(proposal.bundle)
    base = context.base(proposal)
    grown = base is None or tokens > _tokens(base.bundle)
    if verdicts[0].verdict == "pass" and tokens > SKILL_TOKENS * 1.1 and grown:
        reason = f"SKILL.md has about {tokens} tokens; a focused skill has {SKILL_TOKENS} at most."
        return [Verdict(check=name, verdict="hold", reason=reason)]
    return verdicts


def too_large(bundle: Bundle) -> bool:
    """Whether nobody may have it, so that no other check need look at all of it."""
    return len(bundle.files) > SKILL_FILES or sum(len(file.data) for file in bundle.files) > SKILL_BYTES


def static(bundle: Bundle) -> list[Verdict]:
    """Rejects a bundle that hosts cannot take."""
    text = markdown(bundle).get("SKILL.md", "")
    total = sum(len(file.data) for file in bundle.files)
    tokens = estimate(text)
    problems = [
        (tokens > MAX_TOKENS, f"SKILL.md has about {tokens} tokens; {MAX_TOKENS} are allowed."),
        (text.count("\n") > MAX_LINES, f"SKILL.md has more than {MAX_LINES} lines."),
        (len(text.encode()) > MAX_SKILL_BYTES, f"SKILL.md has more than {MAX_SKILL_BYTES} bytes."),
        (len(bundle.files) > SKILL_FILES, f"The skill has more than {SKILL_FILES} files."),
        (total > SKILL_BYTES, f"The skill has more than {SKILL_BYTES // 1_000_000} MB."),
    ]
    found = [reason for wrong, reason in problems if wrong]
    if found:
        return [Verdict(check=name, verdict="reject", reason=" ".join(found))]
    return [Verdict(check=name, verdict="pass", reason=f"SKILL.md has about {tokens} tokens.")]


def _tokens(bundle: Bundle) -> int:
    return estimate(markdown(bundle).get("SKILL.md", ""))
