"""The model that the settings name, for pydantic-ai: its client, its protocol, its profile.

Loaded only when a model is really wanted: pydantic-ai is an extra, and slow to load. Clients try once (tries
are counted and paid for in `recording`), follow no redirect, which would take key and evidence elsewhere, and
use the proxies of the environment except on loopback.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from skillclaw.errors import SkillClawError, UsageError, in_one_line
from skillclaw.evolve.models.places import is_own_machine
from skillclaw.extras import install
from skillclaw.journal.records import OWN_HEADER
from skillclaw.settings import ModelSettings

if TYPE_CHECKING:
    from pydantic_ai.models import Model

__all__ = ["MOST_BYTES", "Made", "TooLargeError", "make_model", "request_settings"]

MOST_BYTES = 16 << 20
"""Bytes of an answer; a larger one is no answer to a question of ours."""
CONNECT = 10.0
"""Seconds to connect."""
NO_KEY = "none"
"""What stands for a key where none is set: the clients want one."""


class TooLargeError(Exception):
    """An answer is larger than MOST_BYTES."""


def request_settings(settings: ModelSettings) -> dict[str, Any]:
    """What goes along with every request."""
    given: dict[str, Any] = {"extra_headers": {OWN_HEADER: "evolve"}}
    if settings.protocol != "bedrock":  # its client has them
        given |= {"timeout": settings.timeout, "max_retries": 0}
    if settings.protocol == "chat" and is_own_machine(settings.url):
        # The same answer to the same question, as far as the server can; models of the large providers
        # refuse it or do not care.
        given |= {"temperature": 0.0, "seed": 0}
    return given


class Made(NamedTuple):
    """A model, and its HTTP client, to be closed in the loop that used it; Bedrock's has none."""

    model: Model
    client: Any = None


LOUD = (
    "anthropic",
    "boto3",
    "botocore",
    "google_genai",
    "httpcore2",
    "httpx2",
    "openai",
    "pydantic_ai",
    "urllib3",
)
"""Loggers that write requests and answers, with keys, where debugging is on."""


def make_model(settings: ModelSettings, key: str) -> Made:
    """The model. Raises UsageError where the extra is not installed."""
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        return _make(settings, key or NO_KEY)
    except ImportError as error:
        raise UsageError(
            "The engines that ask a model need the extra `llm`.",
            f"{error.name or error} cannot be loaded.",
            f"{install('llm')}; or: skillclaw evolve --engine extractive",
        ) from error


def _make(settings: ModelSettings, key: str) -> Made:
    name, url = settings.name, settings.url.rstrip("/") or None
    if settings.protocol == "bedrock":
        return Made(_bedrock(settings, key, url))
    client = _client(settings)
    if settings.protocol == "anthropic":
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        base = (url or "https://api.anthropic.com").removesuffix("/v1")
        anthropic = AsyncAnthropic(api_key=key, base_url=base, http_client=client, max_retries=0)
        return Made(AnthropicModel(name, provider=AnthropicProvider(anthropic_client=anthropic)), client)
    if settings.protocol == "gemini":
        from pydantic_ai.models.google import GoogleModel
        from pydantic_ai.providers.google import GoogleProvider

        base = (url or "https://generativelanguage.googleapis.com").removesuffix("/v1beta")
        google = GoogleProvider(api_key=key, http_client=client, base_url=base)
        return Made(GoogleModel(name, provider=google), client)

    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    openai = AsyncOpenAI(
        api_key=key, base_url=url or "https://api.openai.com/v1", http_client=client, max_retries=0
    )
    if url is None or urlsplit(url).hostname == "api.openai.com":
        kind = OpenAIResponsesModel if settings.protocol == "responses" else OpenAIChatModel
        return Made(kind(name, provider=OpenAIProvider(openai_client=openai)), client)
    other = OpenAICompatibleProvider(openai_client=openai, name=urlsplit(url).hostname or "local")
    if settings.protocol == "responses":
        return Made(OpenAIResponsesModel(name, provider=other), client)
    # Other servers know the older of the two names for the most tokens of an answer.
    profile = OpenAIModelProfile(
        supports_json_schema_output=True, openai_chat_supports_max_completion_tokens=False
    )
    return Made(OpenAIChatModel(name, provider=other, profile=profile), client)


def _bedrock(settings: ModelSettings, key: str, url: str | None) -> Model:
    """With a key as a Bedrock API key; without one the credentials that AWS's own tools have. A server on
    this machine gets neither: what is signed may not go over plain HTTP."""
    import boto3
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.tokens import FrozenAuthToken
    from pydantic_ai.models.bedrock import BedrockConverseModel
    from pydantic_ai.providers.bedrock import BedrockProvider

    class Bearer(botocore.session.Session):  # type: ignore[misc]
        """A session that shows the key and looks for no other credentials."""

        def get_auth_token(self, **_: Any) -> FrozenAuthToken:
            return FrozenAuthToken(key)

        def get_credentials(self) -> None:
            return None

    given: dict[str, Any] = {
        "connect_timeout": CONNECT,
        "read_timeout": settings.timeout,
        "retries": {"total_max_attempts": 1},
    }
    shown = key != NO_KEY
    if is_own_machine(settings.url):
        given |= {"proxies": {}, "signature_version": UNSIGNED}
    elif shown:
        given["signature_version"] = "bearer"
    session = boto3.Session(botocore_session=Bearer() if shown else None, region_name=_region(url))
    client = session.client("bedrock-runtime", config=Config(**given), endpoint_url=url)
    return BedrockConverseModel(settings.name, provider=BedrockProvider(bedrock_client=client))


def _region(url: str | None) -> str:
    """The region that a URL of AWS names, else that of the environment, else the one that has most models."""
    parts = (urlsplit(url or "").hostname or "").split(".")
    if len(parts) > 3 and parts[-2:] == ["amazonaws", "com"]:
        return parts[1]
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def _client(settings: ModelSettings) -> Any:
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        """A body that breaks off where it is too large."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = MOST_BYTES
            async for chunk in self._inner:
                left -= len(chunk)
                if left < 0:
                    raise TooLargeError
                yield chunk

        async def aclose(self) -> None:
            await self._inner.aclose()

    async def bound(response: Any) -> None:
        response.stream = Bounded(response.stream)

    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(settings.timeout, connect=CONNECT),
        trust_env=not is_own_machine(settings.url),
        follow_redirects=False,
        event_hooks={"response": [bound]},
    )


def of_the_settings(error: Exception) -> SkillClawError:
    """A model that the library would not make: a name or a URL that it does not take."""
    return UsageError(
        "The evolver's model cannot be set up.",
        in_one_line(error)[:200],
        "Check evolve.model.*: skillclaw config show",
    )
