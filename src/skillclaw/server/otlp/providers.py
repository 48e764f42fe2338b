"""Who made a model, by its name, as OpenTelemetry's conventions name providers. Pure."""

from __future__ import annotations

__all__ = ["OTHER", "provider"]

OTHER = "_OTHER"
"""What stands where a provider or a kind of error has no name."""
PROVIDERS = (
    ("claude", "anthropic"),
    ("gpt", "openai"),
    ("chatgpt", "openai"),
    ("codex", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("gemini", "gcp.gemini"),
    ("deepseek", "deepseek"),
    ("mistral", "mistral_ai"),
    ("codestral", "mistral_ai"),
    ("grok", "x_ai"),
    ("command", "cohere"),
    ("sonar", "perplexity"),
)
"""How names of models begin, and the conventions' name of who made them. Who served them is not recorded."""


def provider(model: str) -> str:
    """The provider of a model; `_OTHER` where its name tells none. Only what follows a slash counts."""
    name = model.rpartition("/")[2].casefold()
    return next((provider for begins, provider in PROVIDERS if name.startswith(begins)), OTHER)
