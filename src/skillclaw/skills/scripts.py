"""A script of a skill as a file, and back: arguments with a usage line, then the lines of sessions. Pure.

What `render` writes `read` takes apart again, and nothing else: so the gate can tell the lines that need
evidence from the frame around them.
"""

from __future__ import annotations

import re
from typing import Literal

from skillclaw.skills.text import fixed_parts
from skillclaw.trajectory.model import Record

__all__ = ["Script", "parts", "read", "render"]

_SHELL = re.compile(
    r"#!/usr/bin/env bash\n# Usage: (?P<usage>[^\n]*)\nset -eu\n\n"
    r'if \[ "\$#" -ne (?P<count>\d) \]; then\n  echo "usage: [^\n"$`\\]*" >&2\n  exit 2\nfi\n'
    r"(?P<given>(?:[a-z]\w*=\$\d\n)*)\n(?P<body>.*)\Z",
    re.DOTALL,
)
_PYTHON = re.compile(
    r"#!/usr/bin/env python3\n# Usage: (?P<usage>[^\n]*)\nimport sys\n\n"
    r'if len\(sys\.argv\) != (?P<count>\d+):\n    print\("usage: [^\n"\\]*", file=sys\.stderr\)\n'
    r"    sys\.exit\(2\)\n"
    r"(?P<given>(?:[a-z]\w* = sys\.argv\[\d\]\n)*)\n(?P<body>.*)\Z",
    re.DOTALL,
)


class Script(Record, frozen=True, kw_only=True):
    """A script: `path` in the bundle, names of its positional arguments, and its lines. A line uses an
    argument as `${name}` (shell) or `name` (Python).
    """

    language: Literal["sh", "py"]
    path: str
    args: list[str]
    lines: list[str]


def render(script: Script) -> str:
    """The file. Given another number of arguments than it takes it prints its usage and exits with 2."""
    usage = " ".join([script.path, *(name.upper() for name in script.args)])
    body = "".join(f"{line}\n" for line in script.lines)
    if script.language == "sh":
        given = "".join(f"{name}=${n}\n" for n, name in enumerate(script.args, start=1))
        return (
            f"#!/usr/bin/env bash\n# Usage: {usage}\nset -eu\n\n"
            f'if [ "$#" -ne {len(script.args)} ]; then\n  echo "usage: {usage}" >&2\n  exit 2\nfi\n'
            f"{given}\n{body}"
        )
    given = "".join(f"{name} = sys.argv[{n}]\n" for n, name in enumerate(script.args, start=1))
    return (
        f"#!/usr/bin/env python3\n# Usage: {usage}\nimport sys\n\n"
        f'if len(sys.argv) != {len(script.args) + 1}:\n    print("usage: {usage}", file=sys.stderr)\n'
        f"    sys.exit(2)\n{given}\n{body}"
    )


def read(path: str, text: str) -> Script | None:
    """The script that `render` wrote as `text`; None for any other text."""
    language: Literal["sh", "py"] = "py" if path.endswith(".py") else "sh"
    match = (_PYTHON if language == "py" else _SHELL).match(text)
    if match is None:
        return None
    names = re.findall(r"^([a-z]\w*) ?=", match["given"], re.MULTILINE)
    script = Script(language=language, path=path, args=names, lines=match["body"].split("\n")[:-1])
    return script if render(script) == text else None


def parts(script: Script) -> list[tuple[str, ...]]:
    """What each line says apart from arguments, in words that must stand in a session in this order."""
    found = []
    for line in script.lines:
        for name in script.args:
            used = rf"\$\{{{name}\}}" if script.language == "sh" else rf"\b{name}\b"
            line = re.sub(used, "<value>", line)
        words = tuple(fixed_parts(line.replace('"', " ").replace("'", " ")))
        if words:
            found.append(words)
    return found
