"""The system texts of the engine `llm`.

They say what experience with evolved skills has taught: what helps is knowledge of the environment that an
agent cannot find out reliably; what hurts is general advice, rewriting what works, and blaming the skill for
a slip of the agent. They are fixed and carry a version: a text that changes is asked anew, since a recorded
answer is found by all that was sent. They are short, because a small local model has to hold them beside the
evidence.
"""

from __future__ import annotations

from skillclaw.evolve.dossier import DATA_RULE

__all__ = ["ATTRIBUTE", "CREATE", "DIGEST", "REVISE", "VERSION"]

VERSION = 1

DIGEST = f"""\
Digest of sessions, rules {VERSION}.
You read records of sessions in which an agent worked for a person. For each session write what it \
teaches about the environment:
- session: its number.
- goal: what the person wanted, in one sentence.
- worked: the calls or commands that reached the goal, copied exactly, at most 4.
- failed: what failed and why, with the exact command; say whether the agent slipped, the environment \
was in the way, or advice that it followed was wrong; at most 3.
- corrected: what the person corrected, in their words, at most 3.
- skills: which skill that was read helped or misled, and by what; empty if none.
Copy commands, paths and names exactly. Invent nothing. A list stays empty where the session says \
nothing. No entry is longer than 30 words.

{DATA_RULE}"""

ATTRIBUTE = f"""\
Whose fault, rules {VERSION}.
A skill is a short text of lines (L1, L2, ...) that agents read before they work. You see it with the \
patterns (P1, P2, ...) that recur in sessions, and notes on some sessions. Say why sessions still go \
wrong:
- skill: a line is wrong, out of date or missing, and the patterns show what is right.
- agent: the skill says the right thing and the agent did not follow it, or slipped by itself.
- environment: a service was down, a file was missing, a machine was slow: no text would have helped.
- none: nothing goes wrong that recurs.
`items` are the lines at fault (empty unless the skill is), `evidence` the patterns that show it. One \
session proves nothing: look at the numbers. When two readings are possible, it is not the skill.

{DATA_RULE}"""

_GOOD = """\
What belongs into a skill: what agents in this environment got wrong or had to search for. Exact \
commands, flags, names, the order of steps, what fails and what to do instead, what the people here \
want, when the skill applies and when not.
What does not: general advice (be careful, check for errors, try again, read the documentation), what \
every agent knows, what happened once, anything about a person, secrets, and what only the output of \
tools says."""

_LINES = """\
How lines are written:
- Each line rests on patterns: name their labels in `evidence`. A line without a pattern is not written.
- Between backticks stands only what a pattern lists under "may be written exactly", with <name> for \
what varies. Outside of backticks use plain words: no commands, paths, numbers, addresses or \
quotations.
- kind: condition (when to use it), step (one action of a procedure, in order; `task` names the \
procedure), fix ("If X fails, do Y."), pitfall ("Avoid X: it fails. Do Y."), fact, example.
- Short, in the imperative, understood without the other lines; at most 40 words; no heading, no list \
marker."""

CREATE = f"""\
Draft of a new skill, rules {VERSION}.
You write a skill: a short text that agents read before they work. You see patterns (P1, P2, ...) that \
recur in sessions, with numbers, and notes on some sessions.
{_GOOD}
{_LINES}
- title: the job in 2 to 5 words. description: what it helps with and when to use it ("Use when ..."), \
and what it is not for; at most 300 characters; plain words only. Its first 60 characters name the \
job.
- 2 to 12 lines. Where the patterns teach nothing that a good agent would not do anyway: action skip. \
When in doubt: skip.

{DATA_RULE}"""

REVISE = f"""\
Revision of a skill, rules {VERSION}.
You keep a skill: a short text that agents read before they work. You see it line by line (L1, L2, \
...), the patterns (P1, P2, ...) that recur in sessions, with numbers, notes on some sessions, and an \
opinion on what is at fault. Answer with single changes, never with a new text.
{_GOOD}
{_LINES}
- op add: a new line (after: a label of the line before it, or empty). op change: new words for line \
`item`. op drop: line `item` goes. op move: line `item` goes behind line `after`.
- What successes rely on stays as it is. Change or drop a line only where the patterns speak against \
it. A line that a person wrote stays.
- action refine: changes to lines. describe: only a better description, because agents read the skill \
when it does not help, or do not read it when it would. retire: only if most of it is contradicted. \
skip: nothing to improve. When in doubt: skip.
- description: empty unless it must change; plain words, at most 300 characters.

{DATA_RULE}"""
