"""A request as one upstream gets it: its URL, its key, its name for the model, its protocol."""

from __future__ import annotations

from typing import Literal

import msgspec

from skillclaw.proxy import ConfiguredUpstream, Speech
from skillclaw.proxy.asked import Asked
from skillclaw.proxy.configured import sending
from skillclaw.proxy.configured.bodies import Body
from skillclaw.proxy.configured.errors import Refused
from skillclaw.proxy.configured.keys import Keys, key_headers
from skillclaw.proxy.configured.models import mapped
from skillclaw.proxy.configured.paths import Wanted, climbs, family_of, target, without_key
from skillclaw.proxy.configured.sending import Sending

__all__ = ["make", "translatable"]


async def make(
    asked: Asked,
    want: Wanted,
    body: Body | None,
    data: bytes,
    upstream: ConfiguredUpstream,
    name: str,
    keys: Keys,
) -> Sending:
    """The request for the upstream called `name`; Refused when it can have none.

    `body` is `data` (without content encoding) where the request has a protocol; None for other requests.
    """
    same = _same(want, upstream)
    if not same and (want.kind != "turn" or body is None):
        raise Refused(
            404,
            f"The upstream {name} has no {asked.method} {want.path or '/'}.",
            f"It speaks another API ({upstream.protocol}); only a model's answers are translated.",
        )
    if climbs(want.path):
        # It would lead out of the upstream's base URL, with the key.
        raise Refused(400, "The request's path has a `.` or `..` in it.")
    if not upstream.url:
        raise Refused(502, f"The upstream {name} has no URL.", "", f"Set upstreams.{name}.url.")
    path, query, model = want.path, without_key(want.query), ""
    if same:
        model = mapped(upstream.models, want.model) if want.speech == "gemini" else ""
        sent = _with_model(body, data, upstream, asked.method)
    else:
        assert body is not None
        path, query, sent = _translated(want, body, upstream, name)
    key = await keys.get(upstream.key, name)
    return Sending(
        method=asked.method,
        url=target(upstream.url, path, query, upstream.protocol, model),
        passed=sending.forwarded(asked.headers, upstream.protocol, same=same),
        own=key_headers(upstream.protocol, key),
        body=sent,
        secret=key,
        inflate=not same,
        first_byte_timeout=upstream.first_byte_timeout,
    )


def translatable(speech: Speech | None) -> Literal["anthropic", "chat", "responses"]:
    """The protocol, if it can be translated; Refused (404) when not."""
    if speech is None or speech == "gemini":
        raise Refused(
            404,
            "Gemini's API is not translated to or from another.",
            "",
            "Give the agent an upstream that speaks its own.",
        )
    return speech


def _same(want: Wanted, upstream: ConfiguredUpstream) -> bool:
    """Whether the request means the same to the upstream as it stands."""
    if want.speech is not None:
        return want.speech == upstream.protocol
    return want.family == family_of(upstream.protocol)


def _with_model(body: Body | None, data: bytes, upstream: ConfiguredUpstream, method: str) -> bytes:
    """The body with the model's name as the upstream has it, and no other change."""
    if body is None:
        if method != "POST" or not upstream.models:
            return data
        try:
            changed = Body(data)
        except Refused:  # a form, a file: not ours to read
            return data
    else:
        changed = body.copy()
    model = changed.get("model")
    if isinstance(model, str):
        changed.set("model", mapped(upstream.models, model))
    return changed.data()


def _translated(want: Wanted, body: Body, upstream: ConfiguredUpstream, name: str) -> tuple[str, str, bytes]:
    """(path, query, body) in the upstream's protocol; Refused (400) where that cannot say it."""
    source, spoken = translatable(want.speech), translatable(upstream.protocol)
    from skillclaw.wire import translate

    asked = body.get("model")
    model = mapped(upstream.models, asked) if isinstance(asked, str) else None
    try:
        made = translate.translate_request(body.tree(), source, spoken, model=model)
    except translate.CannotTranslate as error:
        why = f"It speaks {upstream.protocol}: {error.what}"
        raise Refused(400, f"The upstream {name} cannot be asked this.", why) from error
    return translate.path_of(spoken).removeprefix("/v1"), "", msgspec.json.encode(made)
