"""Credentials that a name gives away from further off, and what only looks like them."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from skillclaw.journal.redact import Redactor

KEY = "a59efe7e6e5f317b" + "e33e93501947c0d1"
WORD = "bridg3." + "Yellow3"


def masked(text: str) -> str:
    return Redactor(b"k" * 32, home=PurePosixPath("/home/nobody"), user_names=()).text(text)[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("| service | user | password |\n|---|---|---|\n| mailer | admin | {} |", WORD),
        ("id,mailer_api_key,active\n4,{},true", KEY),
        (" id | api_token \n----+------\n 1 | {}", KEY),
        ("def get_mailer_token():\n    # for now\n    return '{}'", KEY),
        ('variable "mailer_token" {{\n  type = string\n  default = "{}"\n}}', KEY),
        ("which mailer key do we use?\n> Oluwaseun: {}", KEY),
        ("ok use {} as the mailer key for now", KEY),
        ("log in with admin / {}", WORD),
        ("name;PESEL\nJo Fernandez;{}", "88060298850"),
    ],
)
def test_a_name_gives_its_value_away(text: str, value: str) -> None:
    assert value not in masked(text.format(value))


@pytest.mark.parametrize(
    "text",
    [
        "| Option | Default | Description |\n|---|---|---|\n| token_limit | 4096 | Most tokens |",
        "url = ssh://git@gitlab.monkey.dev:22/inventory/harbor.git",
        "Bestellung 0965505480 wurde verschickt",
        "login page at /login.html loads in 230ms",
        "Bearer token-based-auth is required",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert masked(text) == text
