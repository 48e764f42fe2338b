"""`scripts`: every line of a script that an evolver wrote occurs in the sessions that its line cites.

A person decides over each script in any case (`approval`); this is about what is put before people.
"""

from __future__ import annotations

from skillclaw.gate.checks.support import as_written
from skillclaw.gate.context import GateContext
from skillclaw.gate.lines import proposal_items, summary
from skillclaw.skills.programs import programs
from skillclaw.skills.records import Proposal, Ref, Verdict
from skillclaw.skills.scripts import Script, parts, read

__all__ = ["check", "name", "order"]

name = "scripts"
order = 75


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects a new script with a line that too few sessions hold; holds one that cannot be told line by
    line, since it has not the form of learned scripts."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement has no scripts.")]
    if as_written(proposal):
        return [Verdict(check=name, verdict="pass", reason="No script of it is said to be learned.")]
    base = context.base(proposal)
    # a file that was only read so far is new as a program
    old = {(file.path, file.data) for file in programs(base.bundle)} if base is not None else set()
    new = [file for file in programs(proposal.bundle) if (file.path, file.data) not in old]
    if not new:
        return [Verdict(check=name, verdict="pass", reason="It brings no script.")]
    read_ones = {file.path: read(file.path, file.data.decode("utf-8", "replace")) for file in new}
    faults = [f for script in read_ones.values() if script and (f := _fault(script, proposal, context))]
    if faults:
        return [Verdict(check=name, verdict="reject", reason=summary(faults))]
    other = [path for path, script in read_ones.items() if script is None]
    if other:
        reason = f"Nobody can tell line by line whether sessions ran {', '.join(other[:3])}; read it whole."
        return [Verdict(check=name, verdict="hold", reason=reason)]
    reason = "Every line of its scripts occurs in the sessions that cite them."
    return [Verdict(check=name, verdict="pass", reason=reason)]


def _fault(script: Script, proposal: Proposal, context: GateContext) -> str:
    refs: dict[str, Ref] = {}
    for item in proposal_items(proposal):
        if item.kind == "script" and f"]({script.path})" in item.text:
            refs |= {ref.session: ref for ref in item.evidence}
    sources = context.sources(refs.values())
    for words in parts(script):
        yes = [grounds for grounds in sources if grounds.supports(words)]
        if not context.enough(yes):
            line = " ".join(words)
            line = line if len(line) <= 60 else line[:57] + "..."
            return (
                f"{script.path}: `{line}` occurs in {len(yes)} of the {len(sources)} sessions that it cites."
            )
    return ""
