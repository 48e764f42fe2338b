"""The pages of docs/reference, made from the code: commands, settings, HTTP API, agents (`make reference`).

python packaging/site/reference.py          writes them
python packaging/site/reference.py --check  says which are not as the code is; exit code 1
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import msgspec.inspect as shapes

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "docs" / "reference"
MADE = "<!-- Made from the code by packaging/site/reference.py (`make reference`); edits here are lost. -->\n"


def cell(text: str) -> str:
    """Text for one cell of a table: one line, with bars and angle brackets that stay what they are."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


def commands() -> str:
    """Every command with its usage, arguments and options, as `--help` has them."""
    from skillclaw.cli.app import build

    lines = [f"{MADE}\n# Command line\n"]
    lines.append("Every command, as `--help` tells it. What they do together: [Commands](../cli.md).\n")
    for path, command in _leaves(build(), ("skillclaw",)):
        lines.append(f"## {' '.join(path)}\n")
        lines.append(f"{inspect.cleandoc(command.help or '')}\n")
        given = [one for one in command.params if one.param_type_name == "argument"]
        usage = " ".join([*path, "[OPTIONS]", *(one.make_metavar(_context(command)) for one in given)])
        lines.append(f"```text\n{usage}\n```\n")
        rows = [_row(one, command) for one in command.params if not getattr(one, "hidden", False)]
        lines += ["| | |", "| --- | --- |", *rows, ""] if rows else []
    return "\n".join(lines)


def _context(command: Any) -> Any:
    import click

    return click.Context(command)


def _leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    inside: Mapping[str, Any] | None = getattr(command, "commands", None)
    if inside is None or getattr(command, "invoke_without_command", False):
        yield path, command
    for name, one in (inside or {}).items():
        if not one.hidden:
            yield from _leaves(one, (*path, name))


def _row(one: Any, command: Any) -> str:
    if one.param_type_name == "argument":
        return f"| `{one.make_metavar(_context(command))}` | {cell(getattr(one, 'help', None) or '')} |"
    names = ", ".join([*one.opts, *one.secondary_opts])
    taken = "" if one.is_flag or one.count else f" {one.make_metavar(_context(command))}"
    return f"| `{names}{taken}` | {cell(one.help or '')} |"


def settings() -> str:
    """Every setting with its type and default, by section."""
    from skillclaw.settings import Settings

    lines = [f"{MADE}\n# Settings\n"]
    lines.append(
        "`skillclaw config set KEY VALUE` sets one, `config show` shows them; they lie in `config.toml` of"
        " SkillClaw's folder. In the environment `proxy.port` is `SKILLCLAW_PROXY__PORT`. `NAME` stands for a"
        " name of your choice.\n"
    )
    for prefix, section in _sections(Settings, ""):
        own = [one for one in msgspec.structs.fields(section) if not _inner(one.type)]
        if not own:
            continue
        lines.append(f"## {prefix.rstrip('.') or 'top level'}\n")
        if prefix:
            lines.append(f"```text\n{inspect.cleandoc(section.__doc__ or '')}\n```\n")
        lines += ["| setting | type | default |", "| --- | --- | --- |"]
        lines += [f"| `{prefix}{one.encode_name}` | {_kind(one.type)} | {_default(one)} |" for one in own]
        lines.append("")
    return "\n".join(lines)


def _sections(section: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    yield prefix, section
    for one in msgspec.structs.fields(section):
        if inner := _inner(one.type):
            under, kind = inner
            yield from _sections(kind, f"{prefix}{one.encode_name}.{under}")


def _inner(kind: Any) -> tuple[str, Any] | None:
    """What stands between a field and the section below it, and that section; None for a plain value."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return "", kind
    info = shapes.type_info(kind)
    if isinstance(info, shapes.DictType) and isinstance(info.value_type, shapes.StructType):
        return "NAME.", info.value_type.cls
    return None


def _kind(kind: Any) -> str:
    return cell(_named(msgspec.json.schema(kind)))


def _named(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_named(one) for one in schema["anyOf"]))
    told = schema.get("description", "")
    if schema.get("type") == "array":
        items = schema.get("items")
        return "a list" + (f" of {_named(items)}" if isinstance(items, dict) else "")
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return "a table" + (f" of {_named(values)}" if isinstance(values, dict) else "")
    words = {"string": "text", "boolean": "true or false", "integer": "whole number", "null": "nothing"}
    name = words.get(schema.get("type", ""), schema.get("type", "any"))
    signs = (
        ("exclusiveMinimum", "above"),
        ("minimum", "at least"),
        ("exclusiveMaximum", "below"),
        ("maximum", "at most"),
    )
    limits = [f"{word} {schema[key]:.16g}" for key, word in signs if key in schema]
    return ", ".join([f"{name}: {told}" if told else name, *limits])


def _default(one: msgspec.structs.FieldInfo) -> str:
    if one.default_factory is not msgspec.NODEFAULT:
        value: Any = one.default_factory()
    elif one.default is not msgspec.NODEFAULT:
        value = one.default
    else:
        return "none: it has to be set"
    return "empty" if value in ("", None) else f"`{cell(msgspec.json.encode(value).decode())}`"


def http_api() -> str:
    """Every endpoint of docs/openapi.json, which the server's code makes."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    lines = [f"{MADE}\n# HTTP API\n", f"{document['info']['description']}\n"]
    lines.append("Rules for all of it: [the evolve server's HTTP API](../serve-api.md). As a document for")
    lines.append("programs: [openapi.json](../openapi.json).\n")
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            lines += [f"## {method.upper()} {path}\n", f"{one.get('description', '').strip()}\n"]
            rows = [_parameter(given) for given in one.get("parameters", [])]
            lines += ["| parameter | in | type | |", "| --- | --- | --- | --- |", *rows, ""] if rows else []
            body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if body:
                lines.append(f"Body: {_reference(body)}.\n")
            lines += ["| status | answer |", "| --- | --- |"]
            lines += [
                f"| {code} | {cell(answer.get('description', ''))}{_answer(answer)} |"
                for code, answer in one["responses"].items()
            ]
            lines.append("")
    lines.append("## Records\n")
    for name, schema in sorted(document.get("components", {}).get("schemas", {}).items()):
        lines += [f"### {name}\n", f"{schema.get('description', '').strip()}\n"]
        rows = [
            f"| `{key}` | {_reference(one)} | {cell(one.get('description', ''))} |"
            for key, one in schema.get("properties", {}).items()
        ]
        lines += ["| field | type | |", "| --- | --- | --- |", *rows, ""] if rows else []
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _parameter(given: Mapping[str, Any]) -> str:
    told = cell(given.get("description", ""))
    return f"| `{given['name']}` | {given['in']} | {_reference(given['schema'])} | {told} |"


def _answer(answer: Mapping[str, Any]) -> str:
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    return f" {_reference(schema)}" if schema else ""


def _reference(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, with a link where it is one of the records."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_reference(one) for one in schema["anyOf"])
    if schema.get("type") == "array" and schema.get("items"):
        return f"a list of {_reference(schema['items'])}"
    return _kindless(schema)


def _kindless(schema: Mapping[str, Any]) -> str:
    return cell(_named({key: value for key, value in schema.items() if key != "description"}))


def agents() -> str:
    """Every agent of the registry: programs, variables, where it is told and read, and what was tried with it
    (the row of docs/agents.md)."""
    from skillclaw.agents import adapters

    known = dict(sorted(adapters().items(), key=lambda each: each[1].title.lower()))
    titles, rows = _tried()
    lines = [f"{MADE}\n# Agents, from the code\n"]
    lines.append(
        "What holds for all of them: [Agents](../agents.md). The name is what commands take: "
        "`skillclaw connect NAME`, `skillclaw run NAME`, `skillclaw doctor NAME`.\n"
    )
    lines += ["| agent | name | tested | protocol |", "| --- | --- | --- | --- |"]
    for name, one in known.items():
        facts = dict(zip(titles, rows[name], strict=True))
        link = f"[{one.title}](#{anchor(one.title)})"
        lines.append(f"| {link} | `{name}` | {facts['how tested']} | {facts['protocol']} |")
    lines.append("")
    for name, one in known.items():
        module = inspect.getmodule(type(one))
        told = inspect.cleandoc((module.__doc__ if module else "") or "")
        programs = ", ".join(f"`{each}`" for each in getattr(one, "programs", ())) or "none"
        variables = ", ".join(f"`{each}`" for each in getattr(one, "variables", ())) or "none"
        lines += [f"## {one.title}\n", f"{_prose(told)}\n", "| | |", "| --- | --- |"]
        lines += [
            f"| name | `{name}` |",
            f"| programs | {programs} |",
            f"| variables of its base URL | {variables} |",
        ]
        facts = zip(titles[1:], rows[name][1:], strict=True)
        lines += [f"| {title} | {fact} |" for title, fact in facts if fact]
        lines.append("")
    return "\n".join(lines)


def anchor(title: str) -> str:
    """Where the heading `title` is on its page, on the site and in the repository alike."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _tried() -> tuple[list[str], dict[str, list[str]]]:
    """The table of docs/agents.md: what its columns are called, and the cells of each agent's row."""
    page = (PLACE.parent / "agents.md").read_text("utf-8")
    table = page.partition("<!-- agents:")[2].partition("<!-- end -->")[0].splitlines()[1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return cells[0], {match[1]: row for row in cells if (match := re.match(r"`([a-z0-9-]+)`", row[0]))}


def _prose(text: str) -> str:
    """A module's docstring as Markdown: what is no code of its own is kept from being taken for HTML."""
    return "\n".join(
        "".join(
            part if n % 2 else part.replace("<", "&lt;")
            for n, part in enumerate(re.split(r"(`[^`]*`)", line))
        )
        for line in text.splitlines()
    )


PAGES = {
    "cli.md": commands,
    "settings.md": settings,
    "http-api.md": http_api,
    "agents.md": agents,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` compare them."""
    stale = []
    for name, make in PAGES.items():
        text = make().rstrip("\n") + "\n"
        path = PLACE / name
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                PLACE.mkdir(exist_ok=True)
                path.write_text(text, "utf-8")
    if "--check" in arguments and stale:
        sys.stdout.write(f"Not as the code is: {', '.join(stale)}. Run: make reference\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
