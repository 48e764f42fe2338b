"""The settings of the evolver, `evolve.*`, and what all sections of the tree are made of (`settings`)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "Amount",
    "AuthorSettings",
    "BudgetSettings",
    "CliSettings",
    "EvolveSettings",
    "ModelName",
    "ModelSettings",
    "Positive",
    "Section",
    "UpstreamUrl",
]

Positive = Annotated[float, Meta(gt=0, le=1e9)]
Amount = Annotated[int, Meta(ge=0)]
Money = Annotated[float, Meta(ge=0, le=1e9)]
Embeddings = Annotated[
    str,
    Meta(
        pattern=r"^(?:off|local|https?://[^\s/@?#]+(?:/[^\s?#]*)?)$",
        description="off, local or the base URL of an API, without a user or key in it",
    ),
]
# Without user info and query: neither is a place for a key.
UpstreamUrl = Annotated[
    str,
    Meta(
        pattern=r"^(?:https?://[^\s/@?#]+(?:/[^\s?#]*)?)?$",
        description="a base URL without a user or key in it, such as https://api.example.com/v1",
    ),
]
CliUpstream = Annotated[
    str,
    Meta(
        pattern=r"^(?:https?://[^\s/@?#]+(?:/[^\s?#]*)?|[a-z0-9][a-z0-9_-]{0,63})?$",
        description="the name of a table under upstreams, or a base URL without a user or key in it, "
        "such as https://api.example.com/v1",
    ),
]
EnvName = Annotated[
    str,
    Meta(
        pattern=r"^(?:[A-Za-z_][A-Za-z0-9_]*)?$",
        max_length=100,
        description="the name of a variable of the environment, such as EMBEDDINGS_KEY",
    ),
]
ModelName = Annotated[
    str,
    Meta(
        max_length=200,
        pattern=r"^[^\s\x00-\x1f]*$",
        description="the name of a model as its provider has it, without spaces, 200 characters at most",
    ),
]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the sections: immutable, unknown keys refused."""


class BudgetSettings(Section, frozen=True, kw_only=True):
    """`evolve.budget.*`: what models may cost one cycle, and with `day_` a day (UTC); 0 is no limit.

    Tokens count both ways, money in US dollars where `evolve.model.usd_in` and `usd_out` say a price.
    """

    tokens: Amount = 200_000
    calls: Amount = 100
    usd: Money = 1.0
    day_tokens: Amount = 1_000_000
    day_calls: Amount = 500
    day_usd: Money = 5.0


class ModelSettings(Section, frozen=True, kw_only=True):
    """`evolve.model.*`: the model that the engines llm and agent ask; none without a `name`.

    `protocol` what it speaks; `url` its base URL, empty for the provider's own; `key` where its key is:
    `env:NAME`, `keyring:NAME`, or empty for none, never the key itself; `context` tokens that it takes;
    `timeout` seconds for one answer; `tools` how the engine agent tells it of tools: as its protocol has
    them, or in words, for a model that knows none; `usd_in`, `usd_out` price of a million tokens, 0 where it
    is not known.
    """

    name: ModelName = ""
    protocol: Literal["chat", "responses", "anthropic", "gemini", "bedrock"] = "chat"
    url: UpstreamUrl = ""
    key: str = ""
    context: Annotated[int, Meta(ge=1024)] = 32_768
    timeout: Positive = 180.0
    tools: Literal["native", "prompt"] = "native"
    usd_in: Money = 0.0
    usd_out: Money = 0.0


class AuthorSettings(Section, frozen=True, kw_only=True):
    """`evolve.agent.*`: how far an autonomous author may go for one skill (engines agent and cli).

    `steps` requests to the model; `tokens` both ways, 0 for no limit but the budget; `seconds` of wall time.
    """

    steps: Annotated[int, Meta(ge=1, le=1000)] = 40
    tokens: Amount = 0
    seconds: Positive = 600.0


class CliSettings(Section, frozen=True, kw_only=True):
    """`evolve.cli.*`: the user's agent that writes skills by itself (engine cli), and on whose account.

    `agent` whose program runs, in a closed room; `model` that it asks, by the provider's full name;
    `upstream` the name of a table under `upstreams`, whose key is used, or a base URL for the agent's own
    login; empty: where the agent itself goes. `usd_in`, `usd_out` price of a million tokens, 0 where it is
    not known or a subscription covers it. How far it goes: `evolve.agent.*`, `evolve.budget.*`.
    """

    agent: Literal["", "claude-code", "codex", "hermes", "openclaw"] = ""
    model: ModelName = ""
    upstream: CliUpstream = ""
    usd_in: Money = 0.0
    usd_out: Money = 0.0


class EvolveSettings(Section, frozen=True, kw_only=True):
    """`evolve.*`: engine, executor, its workers (0: one per core), minutes between cycles, half-life in days.

    `ray_address`: host:port of a cluster's head; empty starts a Ray on this machine for the cycle.
    `embeddings`: `off`, `local` (a model inside an installed package) or the base URL of an
    OpenAI-compatible API; unless that is loopback, redacted requests of users leave this machine.
    `embeddings_key_env` names the environment variable that holds the API's key, never the key.
    `descriptions`: tokens that the descriptions of all skills may take in every session; a cycle says when
    they take more.
    """

    engine: str = "extractive"
    executor: Literal["local", "ray"] = "local"
    ray_address: str = ""
    workers: Amount = 0
    interval: Positive = 60.0
    half_life: Positive = 180.0
    embeddings: Embeddings = "off"
    embeddings_model: str = ""
    embeddings_key_env: EnvName = ""
    model: ModelSettings = ModelSettings()
    descriptions: Amount = 2000
    agent: AuthorSettings = AuthorSettings()
    cli: CliSettings = CliSettings()
    budget: BudgetSettings = BudgetSettings()
