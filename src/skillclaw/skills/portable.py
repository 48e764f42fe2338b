"""A skill that an agent wrote, in the form that every agent reads.

Agents write more into the head of a SKILL.md than the specification knows, such as `source: auto-skill` (the
code of Qwen Code 0.24.4), in YAML that only some readers take, under names with underscores and dots (the
code of Hermes Agent 0.19.0). The head is written anew from what the specification knows; all below it stays
byte for byte. The same words give the same head, however the YAML was written.
"""

from __future__ import annotations

import re
import unicodedata

from skillclaw.errors import NOT_YAML, BadInputError
from skillclaw.skills.bundle import MAX_NAME
from skillclaw.skills.frontmatter import Head, readable, render, split
from skillclaw.skills.items import replace_text
from skillclaw.skills.lint import NAME
from skillclaw.skills.records import Bundle

__all__ = ["portable"]


def portable(bundle: Bundle) -> Bundle:
    """`bundle` under a name and with a head that every agent reads.

    The name is the head's, else the folder's, in lower case with hyphens. Kept of the head are name,
    description, license and compatibility. `allowed-tools` goes: what a skill may do unasked is for its user
    to say. Raises BadInputError where SKILL.md is no skill's.
    """
    main = next((file for file in bundle.files if file.path == "SKILL.md"), None)
    if main is None:
        raise BadInputError("There is no SKILL.md in it.")
    try:
        text = main.data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError("SKILL.md is not UTF-8 text.") from error
    head = _head(text, bundle.name)
    named = Bundle(name=head.name, files=bundle.files)
    return replace_text(named, {"SKILL.md": render(head) + split(text)[1]})


def _head(text: str, folder: str) -> Head:
    """What is kept of the head, as a lenient reader of YAML sees it."""
    import yaml

    raw = readable(text)[0]
    inner = "\n".join(raw.lstrip("\ufeff").replace("\r\n", "\n").strip("\n").split("\n")[1:-1])
    try:
        data = yaml.safe_load(inner)
    except (yaml.YAMLError, *NOT_YAML) as error:
        # Not the error's whole text, which quotes the file: a secret may stand there.
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        what = re.split(r"['\"`]", str(problem))[0].strip()
        why = f"Line {mark.line + 2}: {what}." if mark and problem and what else "It is not YAML."
        raise BadInputError("SKILL.md has a frontmatter that is not valid.", why) from error
    if not isinstance(data, dict):
        raise BadInputError("SKILL.md has a frontmatter that is not valid.", "It maps no words to values.")
    texts = {key: _visible(value) for key, value in data.items() if isinstance(value, str)}
    description = texts.get("description", "")
    if not description:
        raise BadInputError("SKILL.md has no description in its frontmatter.")
    name = _slug(texts.get("name", "")) or _slug(folder)
    if not name:
        raise BadInputError("Neither its frontmatter nor its folder has a name that a skill can have.")
    return Head(
        name=name,
        description=description,
        license=texts.get("license", ""),
        compatibility=texts.get("compatibility", ""),
    )


def _visible(value: str) -> str:
    """`value` without what only an escape in YAML can put there: control characters, halves of characters."""
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]+", " ", value).strip()


def _slug(name: str) -> str:
    """`name` as every agent takes it: `My_skill.v2` becomes `my-skill-v2`; empty where nothing is left."""
    if NAME.match(name) and len(name) <= MAX_NAME:
        return name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_NAME].strip("-")
