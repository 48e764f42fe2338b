"""The models of Qwen Code's settings: `modelProviders.<provider>[]`, and `providerProtocol`.

A provider named like a protocol speaks it; another is mapped to one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from skillclaw.agents.texts import Key

__all__ = ["Entry", "alike", "at", "entries", "every"]


class Entry(NamedTuple):
    """A model of `modelProviders`: where it stands, and what it says."""

    provider: str
    place: int
    held: dict[str, Any]

    @property
    def keys(self) -> tuple[Key, ...]:
        """The path to it in the settings."""
        return ("modelProviders", self.provider, self.place)


def at(held: Any, *keys: Key) -> Any:
    """What stands at a path of settings; None where nothing does."""
    for key in keys:
        if isinstance(key, int):
            held = held[key] if isinstance(held, list) and key < len(held) else None
        else:
            held = held.get(key) if isinstance(held, dict) else None
    return held


def _providers(held: dict[str, Any]) -> list[str]:
    given = held.get("modelProviders")
    return list(given) if isinstance(given, dict) else []


def _of(held: dict[str, Any], provider: str) -> list[Entry]:
    models = at(held, "modelProviders", provider)
    given = enumerate(models if isinstance(models, list) else [])
    return [Entry(provider, n, m) for n, m in given if isinstance(m, dict) and isinstance(m.get("id"), str)]


def every(held: dict[str, Any]) -> list[Entry]:
    """The entries of all providers."""
    return [entry for provider in _providers(held) for entry in _of(held, provider)]


def entries(held: dict[str, Any], protocol: str) -> list[Entry]:
    """The entries of all providers that speak the protocol."""
    mapped = held.get("providerProtocol")
    found: list[Entry] = []
    for provider in _providers(held):
        own = mapped.get(provider, provider) if isinstance(mapped, dict) else provider
        if own == protocol or (own == "openai-responses" and protocol == "openai"):
            found += _of(held, provider)
    return found


def alike(one: Entry, other: Entry) -> bool:
    """Whether two go to the same base URL; what makes pictures or speech only must keep its own."""
    if one.keys == other.keys:
        return True
    only = one.held.get("imageOnly") is True or one.held.get("realtimeOnly") is True
    return not only and one.held.get("baseUrl") == other.held.get("baseUrl")
