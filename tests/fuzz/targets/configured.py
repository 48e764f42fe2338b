"""Bodies, paths and answers at a configured upstream: the model put in, the skills' index put in, the parts
passed on byte for byte; its lists of models; its token counts.

Framed as `fuzzing.exchanges` has it.
"""

from __future__ import annotations

import json

from fuzzing.exchanges import read

from skillclaw.proxy.configured.bodies import Body, clear
from skillclaw.proxy.configured.counting import counted
from skillclaw.proxy.configured.errors import Refused
from skillclaw.proxy.configured.inject import inject, session_of
from skillclaw.proxy.configured.keys import hidden, shown_token
from skillclaw.proxy.configured.models import listed, models_body, single
from skillclaw.proxy.configured.paths import climbs, family_of, target, wanted, without_key
from skillclaw.proxy.configured.tries import retry_after
from skillclaw.wire.body import load_json

ALLOWED = (Refused,)
DICT = (
    b"\n==>\n",
    b"\n<==\n",
    b'"model"',
    b'"messages"',
    b'"system"',
    b'"instructions"',
    b'"systemInstruction"',
    b'"contents"',
    b'"content-encoding"',
    b'"retry-after"',
    b'"data"',
    b'"models"',
    b'"name"',
    b'"id"',
    b"?key=",
    b'"/v1/models"',
    b'"/v1/messages/count_tokens"',
    b'"/v1beta/models/x:countTokens"',
    b"%2e%2e",
    b'"role"',
)


def once(data: bytes) -> None:
    """What is changed in a body is changed, and the rest of it stands as it stood."""
    for one in read(data)[:2]:
        headers = [(name.encode(), value.encode()) for name, value in one.request_headers]
        want = wanted(one.method, one.path, headers)
        speech = want.speech or "chat"
        climbs(want.path)
        target("https://api.example.com", want.path, without_key(want.query), speech, want.model)
        shown_token(headers, want.query, "0" * 64)
        _lists(one.response_body, want.model)
        retry_after([(name.encode(), value.encode()) for name, value in one.response_headers])
        body = Body(clear(one.request_body, headers))
        before = body.tree()
        session_of(body, speech, "codex", headers)
        counted(before, speech)
        other = body.copy()
        other.set("model", "another/model")
        after = load_json(other.data())
        assert isinstance(after, dict) and after["model"] == "another/model"
        assert _same({**before, "model": ""}, {**after, "model": ""})
        inject(body, speech, "Skills: x")
        assert isinstance(load_json(body.data()), dict)
        hidden(one.response_body, "sk-0123456789")


def _lists(answer: bytes, name: str) -> None:
    for family in (family_of("anthropic"), family_of("chat"), family_of("gemini")):
        entries = listed(answer, family)
        if entries is not None:
            for agents in (family_of("anthropic"), family_of("chat"), family_of("gemini")):
                models_body(entries, family, agents, {"a": "b", "c*": "d"}, first=True)
                single(entries, family, agents, {"a": "b"}, name)


def _same(one: object, other: object) -> bool:
    try:
        return json.dumps(one) == json.dumps(other)
    except RecursionError:
        return True
