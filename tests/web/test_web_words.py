"""Every text of the dashboard is there in both languages, and no translation is of nothing."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

from jinja2 import nodes

import skillclaw.web
from skillclaw.web.reading.fields import GROUPS
from skillclaw.web.site.ask import NAVIGATION
from skillclaw.web.site.language import chosen, translator, words
from skillclaw.web.site.rendering import environment

HERE = Path(skillclaw.web.__file__).parent
ZH = HERE / "words" / "zh"
DYNAMIC = {"parts.html"}
"""Templates in which a text may come in by a variable."""


def in_templates() -> set[str]:
    found = set()
    for path in sorted((HERE / "templates").rglob("*.html")):
        tree = environment().parse(path.read_text("utf-8"))
        for call in tree.find_all(nodes.Call):
            name = call.node
            if isinstance(name, nodes.Name) and name.name == "t" and call.args:
                found |= {one.value for one in constants(call.args[0])}
            if isinstance(name, nodes.Getattr) and name.attr == "mark" and call.args:
                found |= {one.value for one in constants(call.args[0])}
    return found


def constants(node: nodes.Node) -> list[nodes.Const]:
    """The texts that an expression may be; keys of a choice by a value are none."""
    if isinstance(node, nodes.Const):
        return [node] if isinstance(node.value, str) else []
    if isinstance(node, nodes.Getitem) and isinstance(node.node, nodes.Dict):
        return [one for pair in node.node.items for one in constants(pair.value)]
    if isinstance(node, nodes.CondExpr):
        return constants(node.expr1) + (constants(node.expr2) if node.expr2 else [])
    return []


def in_code() -> set[str]:
    found = set()
    for path in sorted(HERE.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and call.args and isinstance(call.func, ast.Attribute | ast.Name):
                name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
                first = call.args[0]
                if name in ("t", "say") and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def in_lists() -> set[str]:
    found = {title for _, title in NAVIGATION}
    for group in GROUPS:
        found |= {group.title, group.about}
        for field in group.fields:
            found |= {field.title, *(words for _, words in field.choices), field.about, field.unit} - {""}
    return found


def test_every_text_has_its_chinese() -> None:
    wanted = in_templates() | in_code() | in_lists()
    assert sorted(wanted - set(words("zh"))) == []


def test_translations_take_the_same_values() -> None:
    for english, chinese in words("zh").items():
        given = set(re.findall(r"{(\w+)", english))
        assert set(re.findall(r"{(\w+)", chinese)) <= given, english
        assert chinese.strip()


def test_no_text_is_translated_twice() -> None:
    seen: dict[str, str] = {}
    for path in sorted(ZH.glob("*.toml")):
        for english in tomllib.loads(path.read_text("utf-8")):
            assert english not in seen, f"{english!r} is in {seen[english]} and in {path.name}"
            seen[english] = path.name


def test_values_are_escaped_and_numbers_choose_the_form() -> None:
    t = translator("en")
    assert str(t("Set: {keys}.", keys="<b>")) == "Set: &lt;b&gt;."
    assert str(t("{n} session on disk|{n} sessions on disk", n=1)) == "1 session on disk"
    assert str(t("{n} session on disk|{n} sessions on disk", n=2)) == "2 sessions on disk"
    assert str(translator("zh")("{n} session on disk|{n} sessions on disk", n=2)) == "磁盘上有 2 个会话"


def test_the_language_is_the_readers_choice() -> None:
    assert chosen("zh", "en", "en") == "zh"
    assert chosen("", "zh", "en") == "zh"
    assert chosen("", "", "de;q=0.9, zh-TW;q=0.8, en;q=0.5") == "zh"
    assert chosen("<x>", "", "garbage;;q=x,,") == "en"
