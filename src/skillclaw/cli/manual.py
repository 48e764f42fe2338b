"""The manual page, from the commands themselves (`make schemas`); a test compares it with packaging/man."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import click

from skillclaw import __version__
from skillclaw.cli.app import build

__all__ = ["page"]

COMMON = frozenset({"--home", "--json", "--debug", "--help"})
"""Options that every command has; they are told once."""
STATUSES = (
    ("0", "success"),
    ("1", "the operation failed"),
    ("2", "wrong usage"),
    ("130", "stopped by the user"),
)
VARIABLES = (
    ("SKILLCLAW_HOME", "The folder of everything that SkillClaw keeps, instead of ~/.skillclaw."),
    ("SKILLCLAW_DEBUG", "Where it is set, errors come with their traceback, as by --debug."),
)
FILES = (
    ("~/.skillclaw", "Settings (config.toml), journal, sessions, keys, the personal hub and logs."),
    ("~/.agents/skills", "Where skills are installed that several agents read."),
)


def page() -> str:
    """The page in man(7)."""
    root = build()
    context = click.Context(root, info_name="skillclaw", **root.context_settings)
    lines = [
        f'.TH SKILLCLAW 1 "" "SkillClaw {__version__}" "User Commands"',
        ".SH NAME",
        "skillclaw \\- makes the skills of AI agents improve from real use",
        ".SH SYNOPSIS",
        ".B skillclaw",
        ".RI [ OPTIONS ]",
        ".I COMMAND",
        ".RI [ ARGUMENTS ]",
        ".SH DESCRIPTION",
        *_paragraphs(root.help or ""),
        ".SH OPTIONS",
        "These are understood by every command:",
    ]
    some = root.get_command(context, "status")
    assert some is not None
    lines += _parameters(some, click.Context(some, parent=context, info_name="status"), common=True)
    lines += [".PP", "And without a command:", *_parameters(root, context, common=False)]
    lines += [".SH COMMANDS", *_commands(root, context, "")]
    for title, rows in (("EXIT STATUS", STATUSES), ("ENVIRONMENT", VARIABLES), ("FILES", FILES)):
        lines.append(f".SH {title}")
        for name, what in rows:
            lines += [".TP", f".B {_text(name)}", _text(what)]
    return "\n".join(lines) + "\n"


def _commands(group: click.Group, context: click.Context, before: str) -> Iterator[str]:
    for name in group.list_commands(context):
        one = group.get_command(context, name)
        if one is None or one.hidden:
            continue
        within = click.Context(one, parent=context, info_name=name)
        if isinstance(one, click.Group):
            yield from _commands(one, within, f"{before}{name} ")
            continue
        usage = " ".join(one.collect_usage_pieces(within))
        yield f".SS {_text(before + name)} {_text(usage)}"
        yield from _paragraphs(one.help or "")
        yield from _parameters(one, within, common=False)


def _parameters(one: click.Command, context: click.Context, *, common: bool) -> Iterator[str]:
    for parameter in one.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or bool(COMMON.intersection(parameter.opts)) is not common:
            continue
        yield from (
            ".TP",
            f".B {_text(' '.join(record[0].split()))}",
            _text(" ".join(record[1].split())) or "\\&",
        )


def _paragraphs(text: str) -> Iterator[str]:
    for number, part in enumerate(re.split(r"\n\s*\n", text.strip())):
        yield from [".PP"] * bool(number)
        yield _text(" ".join(part.split()))


def _text(text: str) -> str:
    """Characters that troff would read, as themselves."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti")
    text = text.replace("`", "\\(ga")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


if __name__ == "__main__":
    sys.stdout.write(page())
