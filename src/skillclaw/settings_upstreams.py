"""Where agents' requests go, `agents.<name>.*` and `upstreams.<name>.*` (docs/upstreams.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from skillclaw.settings_evolve import Positive, Section, UpstreamUrl

__all__ = ["AgentSettings", "UpstreamSettings"]

# A base URL, or the name of a table under `upstreams`.
AgentUpstream = Annotated[
    str,
    Meta(
        pattern=r"^(?:https?://[^\s/]+[^\s]*|[a-z0-9][a-z0-9_-]{0,63})$",
        description="a base URL such as https://api.example.com/v1, or the name of a table under upstreams",
    ),
]


class AgentSettings(Section, frozen=True, kw_only=True):
    """`agents.<name>.*`.

    upstream  base URL that the agent's requests are passed on to, with its own credentials; or the name of a
              table under `upstreams`, whose key, models and protocol are used then
    inject    put the list of installed skills into the system prompt, for agents without a skills folder;
              `"bodies"` puts in their whole text. Unset: as the agent's adapter asks
    """

    upstream: AgentUpstream | None = None
    inject: bool | Literal["bodies"] | None = None


class UpstreamSettings(Section, frozen=True, kw_only=True):
    """`upstreams.<name>.*`: a configured upstream. Times in seconds.

    `url` base URL with the version in its path (`/v1`); `protocol` what it speaks; `key` where its key is:
    `env:NAME` (of `skillclaw up`), `keyring:NAME`, or empty for none, never the key itself; `models` maps
    what agents ask for to what the upstream calls it (`*` at the end: any end); `retries` where a repetition
    is safe; `longest_wait` that a Retry-After may ask for; `fallback` upstreams to try after this one.
    """

    url: UpstreamUrl = ""
    protocol: Literal["anthropic", "chat", "responses", "gemini"] = "chat"
    key: str = ""
    models: dict[str, str] = {}
    retries: Annotated[int, Meta(ge=0, le=10)] = 2
    first_byte_timeout: Positive = 600.0
    longest_wait: Positive = 30.0
    fallback: tuple[str, ...] = ()
