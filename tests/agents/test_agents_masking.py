"""A diff of settings shows what changes, and no credential, in whatever format."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import tomlkit
import yaml
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.agents import edits
from skillclaw.agents.masking import masked, unified
from skillclaw.agents.texts import Format

SECRET = "sk-abc#d,e}f-0123456789"


@pytest.mark.parametrize(
    "text",
    [
        'api_key = "{}"',
        '{{"apiKey": "{}", "base": "x"}}',
        "apiKey: '{}',",
        "openai-api-key: {}",
        "openai-api-key: {}   # the office's",
        "  - OPENAI_API_KEY={}",
        "export ANTHROPIC_AUTH_TOKEN={}",
        "ANTHROPIC_AUTH_TOKEN='{}'",
        "x: {{api_key: {}, base: u}}",
        "api-key:\n  - openai={}\nmodel: m",
        "api-key:\n- 'openai={}'\nmodel: m",
        "api_keys:\n\n- {}\nmodel: m",
        "password: |\n  {}\nmodel: m",
        "Authorization: Bearer {}",
        '"api_keys": ["{0}", "{0}"],',
        "api_keys: [{}]",
        'api_keys = [ # two\n  "{0}",\n  "{0}"\n]\nmodel: m',
        '{{"api_keys": [\n"{0}"]}}\nmodel: m',
    ],
)
def test_credentials_are_not_shown(text: str) -> None:
    lines = text.format(SECRET).splitlines()
    shown = masked(lines)
    assert "0123456789" not in "\n".join(shown)
    assert "***" in "\n".join(shown)
    assert len(shown) == len(lines)
    if lines[-1] == "model: m":
        assert shown[-1] == "model: m"


@pytest.mark.parametrize(
    "line",
    [
        '"maxTokens": 4096,',
        "max_tokens = 4096  # many",
        '"keybindings": {',
        '"tokens": [],',
        "key:",
        "use_token: true",
        '"aws_session_token":null,"aws_region_name":null',
        "base_url: http://127.0.0.1:8787/aider",
        "# a comment on keys",
    ],
)
def test_the_rest_is(line: str) -> None:
    assert masked([line]) == [line]


WHEREVER = [
    '{"apiKeys": ["%s"]}',
    '{"apiKeys": [\n  "%s"\n]}',
    '{"apiKey":\n  "%s"}',
    '{"apiKeys": {"openai": "%s"}}',
    '{"apiKeys": {\n "openai": "%s"\n}}',
    '{"auth": "%s"}',
    '{"auth": {\n"openai": {"type": "oauth",\n "access": "%s"}}}',
    '{"headers": {"X-Custom": "Bearer %s"}}',
    '{"a": "x", "api_key" /* why */ : "%s"}',
    '{"api_key"\n:\n"%s"}',
    '{"env": [{"name": "API_KEY", "value": "%s"}]}',
    '"args": ["--api-key", "%s"]',
    'command = "x --token %s"',
    'key = """\n%s\n"""',
    "api_key = '''%s'''",
    'api_key = [\n"%s",\n]',
    'credentials = { id = "x", value = "%s" }',
    'KEY="-----BEGIN\n%s\n-----END"\nB=1',
    "api_key='a'%s",
    "PGPASS=%s",
    "GITHUB_PAT=%s",
    "DB_URL=postgres://u:%s@h/db",
    "url: https://user:%s@host/v1",
    '{"url":"https://h/v1?sig=%s"}',
    "api_key: >-\n  %s\n",
    'api_key: "abc\n  %s"\n',
    "? api_key\n: %s\n",
    "tokens:\n  openai:\n    id: %s\n",
    "env:\n  - name: API_KEY\n    value: %s\n",
    "api-key: [openai=%s]",
    "api_key: [%s,\n b]",
    'api_key: "x" # was %s',
    "# an old one: %s",
    "anything: %s",
]


@pytest.mark.parametrize("text", WHEREVER)
def test_nor_where_lines_do_not_name_them(text: str) -> None:
    shown = masked((text % "s3cr3tVALUE0123456789").splitlines())
    assert "s3cr3t" not in "\n".join(shown)
    assert len(shown) == len((text % "x").splitlines())


@pytest.mark.parametrize(
    "line",
    [
        '  "model": "claude-sonnet-4-5-20250929",',
        'model = "gpt-5.1-codex-max"',
        '  "baseUrl": "http://127.0.0.1:8787/openclaw"',
        "base_url: https://generativelanguage.googleapis.com/v1beta",
        "model: accounts/fireworks/models/llama-v3p1-70b-instruct",
        '      "sendSessionAffinityHeaders": true',
        "  - ANTHROPIC_API_BASE=http://127.0.0.1:8787/aider",
    ],
)
def test_names_of_models_and_addresses_are_shown(line: str) -> None:
    assert masked([line]) == [line]


NAME = st.sampled_from(
    ["apiKey", "OPENAI_API_KEY", "token", "auth", "client-secret", "password", "credentials"]
)
HIDDEN = st.text("abcdefghij xyz", min_size=6, max_size=20).map(lambda text: f"correct{text}horse")
HARMLESS = st.dictionaries(
    st.sampled_from(["a", "b", "model", "x y"]), st.sampled_from(["m", "n"]), max_size=3
)


@given(
    format=st.sampled_from(["json", "json5", "yaml", "toml"]),
    name=NAME,
    secret=HIDDEN,
    around=HARMLESS,
    wrap=st.sampled_from(["plain", "list", "object", "deep"]),
    indent=st.sampled_from([None, 2]),
)
def test_what_stands_below_a_credentials_name_is_never_in_a_diff(
    format: Format, name: str, secret: str, around: dict[str, str], wrap: str, indent: int | None
) -> None:
    """Also one that reads like words, in whatever layout."""
    value: object = secret
    if wrap == "list":
        value = [secret, "k"]
    elif wrap == "object":
        value = {"o": secret}
    elif wrap == "deep":
        value = {"o": [{"p": secret}]}
    tree = {**around, "z": {name: value}}
    if format == "yaml":
        text = yaml.safe_dump(tree, default_flow_style=indent is None, width=40)
    elif format == "toml":
        text = tomlkit.dumps(tree)
    else:
        text = json.dumps(tree, indent=indent)
    made = edits.set_keys(Path("f"), text.encode(), format, {("z", "base"): "http://127.0.0.1:1/x"})
    shown = edits.diff([made])
    assert "***" in shown
    assert not [part for part in secret.split("  ") if len(part) > 5 and part in shown], shown


def test_a_changed_credential_shows_that_it_changes() -> None:
    shown = list(unified("a-key: one\nb: 1\n", "a-key: two\nb: 1\n", "f", "f"))
    assert shown == ["--- f", "+++ f", "@@ -1,2 +1,2 @@", "-a-key: ***", "+a-key: ***", " b: 1"]
    assert list(unified("x\n", "x\n", "f", "f")) == []


@given(st.lists(st.sampled_from("abcde"), max_size=30), st.lists(st.sampled_from("abcde"), max_size=30))
def test_it_is_a_diff_that_patch_would_take(one: list[str], other: list[str]) -> None:
    before, after = "\n".join(one), "\n".join(other)
    expected = list(difflib.unified_diff(before.splitlines(), after.splitlines(), "a", "b", lineterm=""))
    assert list(unified(before, after, "a", "b")) == expected


def test_long_lines_take_no_time(tmp_path: Path) -> None:
    line = "key" * 20_000 + " token=" * 5_000 + "'" * 10_000
    program = f"from skillclaw.agents.masking import masked; masked([{line!r}, 'x'])"
    (tmp_path / "p.py").write_text(program, "utf-8")
    subprocess.run([sys.executable, str(tmp_path / "p.py")], check=True, timeout=20)
