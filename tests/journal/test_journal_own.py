"""The project's own requests are recorded like others, and no session is made of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skillclaw.journal.assemble import assemble
from skillclaw.journal.records import OWN_HEADER, Exchange, is_own


def asked(name: str, value: str = "evolve") -> Exchange:
    said: dict[str, Any] = {"role": "assistant", "content": "Hello."}
    reply = {"id": "1", "object": "chat.completion", "choices": [{"index": 0, "message": said}]}
    return Exchange(
        id="0123456789abcdef",
        agent="generic",
        method="POST",
        path="/v1/chat/completions",
        started=1_795_444_696.0,
        request_headers=[("content-type", "application/json"), (name, value)],
        request_body=json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode(),
        status=200,
        response_headers=[("content-type", "application/json")],
        response_body=json.dumps(reply).encode(),
    )


@pytest.mark.parametrize("name", [OWN_HEADER, OWN_HEADER.lower(), OWN_HEADER.upper()])
def test_no_session_is_made_of_the_projects_own_requests(name: str) -> None:
    assert is_own(asked(name))
    assert assemble([asked(name)]) == []


def test_of_the_same_request_by_an_agent_one_is() -> None:
    assert not is_own(asked("x-other"))
    assert len(assemble([asked("x-other"), asked(OWN_HEADER)])) == 1
