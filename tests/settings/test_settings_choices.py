"""A wrong value is answered in words: what was given, what the setting takes, an example that it takes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cli import fails

from skillclaw import settings
from skillclaw.errors import BadInputError, UsageError
from skillclaw.settings_choices import example, takes

INTERNALS = ("`", "$", "regex", "Expected", "Literal", "float", "int ", "str ", "tuple", "object")


def keys(kind: Any = settings.Settings, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every setting, with a name where one belongs."""
    found: list[tuple[str, ...]] = []
    for field in msgspec.structs.fields(kind):
        place, inner = (*above, field.encode_name), field.type
        if getattr(inner, "__origin__", None) is dict:
            place, inner = (*place, "mine"), inner.__args__[1]
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            found += keys(inner, place)
        else:
            found.append(place)
    return found


def test_a_wrong_word_is_answered_with_those_that_a_setting_takes(tmp_path: Path) -> None:
    told = fails("config", "set", "evolve.model.protocol", "soap", home=tmp_path, code=2)
    assert "It is one of: chat, responses, anthropic, gemini, bedrock." in told
    told = fails("config", "set", "evolve.budget.calls", "many", home=tmp_path, code=2)
    assert "one of" not in told


@pytest.mark.parametrize(
    ("key", "given", "takes_", "like"),
    [
        ("proxy.drain", "0", "a number (above 0)", "10"),
        ("proxy.port", "99999", "a whole number from 0 to 65,535", "8787"),
        ("evolve.budget.calls", "many", "a whole number (0 or more)", "100"),
        ("gate.replay.repeats", "2", "a whole number from 5 to 50", "5"),
        ("sync.push", "yes", "true or false", "false"),
        ("agents.codex.inject", "7", "true or false or bodies", "true"),
        ("agents.codex.upstream", "ftp://x", "a base URL such as", "https://api.example.com/v1"),
        ("serve.hosts", "5", 'a list, such as \'["one", "two"]\'', '\'["one", "two"]\''),
        ("share.hubs.team", "all", "one of: off, redacted", "off"),
        ("proxy", "5", "no value itself: its settings are proxy.port", None),
    ],
)
def test_what_was_given_what_it_takes_and_an_example(
    tmp_path: Path, key: str, given: str, takes_: str, like: str | None
) -> None:
    told = fails("config", "set", key, given, home=tmp_path, code=2)
    assert f"{key} cannot be '{given}'." in told and takes_ in told
    example = f"skillclaw config set {key} {like}" if like else "skillclaw config set proxy.port 8787"
    assert example in told
    assert not [word for word in INTERNALS if word in told]


def test_a_key_that_is_none_is_answered_with_those_beside_it(tmp_path: Path) -> None:
    told = fails("config", "set", "proxy.porte", "1", home=tmp_path, code=2)
    assert "There is no setting 'proxy.porte'" in told and "proxy.port, proxy.connect_timeout" in told
    assert "There is no setting 'proxies'" in fails("config", "set", "proxies", "1", home=tmp_path, code=2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[proxy]\nport = 'x'\n", "proxy.port takes a whole number from 0 to 65,535."),
        ("[agents.codex]\ninject = 7\n", "agents.NAME.inject takes true or false or bodies."),
        ("[serve]\nhosts = ['a b']\n", "serve.hosts takes a list"),
        ("proxy = 1\n", "proxy takes no value itself"),
    ],
)
def test_a_file_that_is_wrong_is_told_in_words_and_blames_no_other_setting(
    tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "config.toml").write_text(text, "utf-8")
    with pytest.raises(BadInputError) as caught:
        settings.load(tmp_path, {})
    assert told in caught.value.why
    assert not [word for word in INTERNALS if word in str(caught.value).replace(str(tmp_path), "")]
    with pytest.raises(BadInputError, match=r"config\.toml") as caught:
        settings.set_value(tmp_path, "journal.idle", "5")
    assert told in caught.value.why and "journal" not in caught.value.what


@pytest.mark.parametrize("parts", keys(), ids=".".join)
def test_every_setting_says_what_it_takes_and_takes_its_example(
    tmp_path: Path, parts: tuple[str, ...]
) -> None:
    key = ".".join(parts)
    assert takes(settings.Settings, parts)
    if parts[-1] in ("key", "token"):
        return  # these say by themselves that they take no secret
    try:
        settings.set_value(tmp_path, key, '[["nested"]]')
    except (UsageError, BadInputError) as error:
        told = str(error)
        assert not [word for word in INTERNALS if word in told.replace("'[[\"nested\"]]'", "")], told
    given = shlex.split(example(settings.Settings, parts))[0]
    if parts[-1] == "fallback":
        return  # what it names has to be there
    settings.set_value(tmp_path, key, given)
