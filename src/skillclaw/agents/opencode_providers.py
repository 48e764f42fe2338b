"""The providers of OpenCode: their addresses, and the variables with their keys.

As in OpenCode 1.18.33. Each provider speaks through a package of the AI SDK, which adds `/chat/completions`,
`/messages`, `/responses` or `/models/...` to the base URL (seen on the wire for all four). Of the more than
two hundred providers that OpenCode knows, those stand here that are used most; the rest are in the catalogue
that it keeps in its cache folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["CHATGPT", "KNOWN", "PACKAGES", "REFUSED", "Address", "address", "key_variables"]

CHATGPT = "https://chatgpt.com/backend-api/codex"
"""Where requests with a ChatGPT login belong."""

PACKAGES = {
    "@ai-sdk/anthropic": "https://api.anthropic.com/v1",
    "@ai-sdk/cerebras": "https://api.cerebras.ai/v1",
    "@ai-sdk/cohere": "https://api.cohere.com/v2",
    "@ai-sdk/deepinfra": "https://api.deepinfra.com/v1",
    "@ai-sdk/google": "https://generativelanguage.googleapis.com/v1beta",
    "@ai-sdk/groq": "https://api.groq.com/openai/v1",
    "@ai-sdk/mistral": "https://api.mistral.ai/v1",
    "@ai-sdk/openai": "https://api.openai.com/v1",
    "@ai-sdk/perplexity": "https://api.perplexity.ai",
    "@ai-sdk/togetherai": "https://api.together.xyz/v1",
    "@ai-sdk/vercel": "https://api.v0.dev/v1",
    "@ai-sdk/xai": "https://api.x.ai/v1",
    "@openrouter/ai-sdk-provider": "https://openrouter.ai/api/v1",
    "venice-ai-sdk-provider": "https://api.venice.ai/api/v1",
}
"""Package -> the base URL that it takes where neither settings nor catalogue name one."""

VARIABLES = {"@ai-sdk/anthropic": "ANTHROPIC_BASE_URL", "@ai-sdk/openai": "OPENAI_BASE_URL"}
"""Packages that look for a base URL in the environment (seen on the wire), before their own."""

_COMPATIBLE = "@ai-sdk/openai-compatible"
KNOWN: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "anthropic": ("@ai-sdk/anthropic", "", ("ANTHROPIC_API_KEY",)),
    "cerebras": ("@ai-sdk/cerebras", "", ("CEREBRAS_API_KEY",)),
    "deepinfra": ("@ai-sdk/deepinfra", "", ("DEEPINFRA_API_KEY",)),
    "deepseek": (_COMPATIBLE, "https://api.deepseek.com", ("DEEPSEEK_API_KEY",)),
    "fireworks-ai": (_COMPATIBLE, "https://api.fireworks.ai/inference/v1", ("FIREWORKS_API_KEY",)),
    "github-copilot": (_COMPATIBLE, "https://api.githubcopilot.com", ()),
    "google": (
        "@ai-sdk/google",
        "",
        ("GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
    ),
    "groq": ("@ai-sdk/groq", "", ("GROQ_API_KEY",)),
    "huggingface": (_COMPATIBLE, "https://router.huggingface.co/v1", ("HF_TOKEN",)),
    "lmstudio": (_COMPATIBLE, "http://127.0.0.1:1234/v1", ()),
    "mistral": ("@ai-sdk/mistral", "", ("MISTRAL_API_KEY",)),
    "moonshotai": (_COMPATIBLE, "https://api.moonshot.ai/v1", ("MOONSHOT_API_KEY",)),
    "ollama-cloud": (_COMPATIBLE, "https://ollama.com/v1", ("OLLAMA_API_KEY",)),
    "openai": ("@ai-sdk/openai", "", ("OPENAI_API_KEY",)),
    "opencode": (_COMPATIBLE, "https://opencode.ai/zen/v1", ("OPENCODE_API_KEY",)),
    "opencode-go": (_COMPATIBLE, "https://opencode.ai/zen/go/v1", ()),
    "openrouter": ("@openrouter/ai-sdk-provider", "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",)),
    "perplexity": ("@ai-sdk/perplexity", "", ("PERPLEXITY_API_KEY",)),
    "togetherai": ("@ai-sdk/togetherai", "", ("TOGETHER_API_KEY",)),
    "venice": ("venice-ai-sdk-provider", "", ("VENICE_API_KEY",)),
    "xai": ("@ai-sdk/xai", "", ("XAI_API_KEY",)),
    "zai": (_COMPATIBLE, "https://api.z.ai/api/paas/v4", ()),
    "zai-coding-plan": (_COMPATIBLE, "https://api.z.ai/api/coding/paas/v4", ()),
}
"""Provider -> (package, base URL or none where the package has it, variables with its key)."""

_SIGNED = "Its requests are signed for the cloud's own address."
_OWN = "It speaks a protocol of its own."
REFUSED = {
    "amazon-bedrock": _SIGNED,
    "google-vertex": _SIGNED,
    "google-vertex-anthropic": _SIGNED,
    "gitlab": _OWN,
    "sap-ai-core": _OWN,
    "vercel": _OWN,
    "watsonx": _OWN,
}
"""Providers whose requests cannot go through a proxy, and why."""


class Address(NamedTuple):
    """Where a provider's requests go by itself: base URL (empty: not known), and the variable that a base URL
    is taken from before it (empty: none)."""

    url: str
    variable: str


def address(
    provider: str,
    model: str,
    own: Mapping[str, Any],
    catalogue: Mapping[str, Any],
    environ: Mapping[str, str],
) -> Address:
    """Where the requests for a model of a provider go without a `baseURL` in the settings.

    own        the provider in the user's settings
    catalogue  the provider in OpenCode's catalogue
    """
    package, base, _ = KNOWN.get(provider, ("", "", ()))
    ways = [
        _of(own, "models", model, "provider"),
        own,
        _of(catalogue, "models", model, "provider"),
        catalogue,
    ]
    base = next((text for way in ways if (text := _text(way, "api"))), base)
    package = next((text for way in ways if (text := _text(way, "npm"))), package)
    if base:
        return Address(_filled(base, environ), "")
    return Address(PACKAGES.get(package, ""), VARIABLES.get(package, ""))


def key_variables(provider: str, catalogue: Mapping[str, Any]) -> tuple[str, ...]:
    """The environment variables that hold a provider's key."""
    if provider in KNOWN:
        return KNOWN[provider][2]
    named = catalogue.get("env")
    return tuple(name for name in named if isinstance(name, str)) if isinstance(named, list) else ()


def _filled(url: str, environ: Mapping[str, str]) -> str:
    """The address with `${NAME}` from the environment; empty where a name is not set."""
    head, *rest = url.split("${")
    for part in rest:
        name, _, behind = part.partition("}")
        if not environ.get(name):
            return ""
        head += environ[name] + behind
    return head.rstrip("/")


def _of(value: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        below = value.get(key)
        if not isinstance(below, Mapping):
            return {}
        value = below
    return value


def _text(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key)
    return text if isinstance(text, str) else ""
