"""Which provider Hermes uses, and how it is reached through the proxy.

Found by having Hermes 0.19.0 resolve its provider under each of these, and by comparing what it sends to
OpenRouter's own host and to a loopback address. It decides by the host of the base URL which protocol and
which key it uses, and also what is in its requests: to a loopback address in OpenRouter's place it sends
neither `reasoning` nor `cache_control`, which costs the user quality and money. So only a local address of
the user's own is replaced in the settings; any other is left as it is, and Hermes' requests to it are sent
on their way to the proxy (`hermes_plugin.py`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import Record

__all__ = ["Chosen", "choose"]


class Chosen(Record, frozen=True, kw_only=True):
    """The provider in use.

    url       where its requests go, without SkillClaw
    keys      where the URL stands in config.yaml, for one that may be replaced there; else empty
    token     where the key stands beside it
    variable  the variable that the URL can be taken from, and `key` the key: for `skillclaw run`
    """

    name: str
    url: str
    keys: tuple[str | int, ...] = ()
    token: tuple[str | int, ...] = ()
    variable: str = ""
    key: str = ""


BUILT_IN = {
    "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER"),
    "nous": ("https://inference-api.nousresearch.com/v1", "NOUS_INFERENCE"),
    "anthropic": ("https://api.anthropic.com", "ANTHROPIC"),
    "openai-codex": ("https://chatgpt.com/backend-api/codex", ""),
    "openai-api": ("https://api.openai.com/v1", "OPENAI"),
    "xai": ("https://api.x.ai/v1", "XAI"),
    "xai-oauth": ("https://api.x.ai/v1", ""),
    "qwen-oauth": ("https://portal.qwen.ai/v1", ""),
    "copilot": ("https://api.githubcopilot.com", "COPILOT_API"),
    "gemini": ("https://generativelanguage.googleapis.com/v1beta", "GEMINI"),
    "zai": ("https://api.z.ai/api", "GLM"),
    "kimi-coding": ("https://api.moonshot.ai/v1", "KIMI"),
    "kimi-coding-cn": ("https://api.moonshot.cn/v1", ""),
    "deepseek": ("https://api.deepseek.com/v1", "DEEPSEEK"),
    "alibaba": ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE"),
    "alibaba-coding-plan": ("https://coding-intl.dashscope.aliyuncs.com/v1", "ALIBABA_CODING_PLAN"),
    "minimax": ("https://api.minimax.io/anthropic", "MINIMAX"),
    "minimax-cn": ("https://api.minimaxi.com/anthropic", "MINIMAX_CN"),
    "minimax-oauth": ("https://api.minimax.io/anthropic", ""),
    "stepfun": ("https://api.stepfun.ai/step_plan/v1", "STEPFUN"),
    "arcee": ("https://api.arcee.ai/api/v1", "ARCEE"),
    "gmi": ("https://api.gmi-serving.com/v1", "GMI"),
    "nvidia": ("https://integrate.api.nvidia.com/v1", "NVIDIA"),
    "opencode-zen": ("https://opencode.ai/zen", "OPENCODE_ZEN"),
    "opencode-go": ("https://opencode.ai/zen/go", "OPENCODE_GO"),
    "kilocode": ("https://api.kilo.ai/api/gateway", "KILOCODE"),
    "huggingface": ("https://router.huggingface.co/v1", "HF"),
    "xiaomi": ("https://api.xiaomimimo.com/v1", "XIAOMI"),
    "tencent-tokenhub": ("https://tokenhub.tencentmaas.com/v1", "TOKENHUB"),
    "ollama-cloud": ("https://ollama.com/v1", "OLLAMA"),
    "deepinfra": ("https://api.deepinfra.com/v1/openai", "DEEPINFRA"),
    "novita": ("https://api.novita.ai/openai/v1", "NOVITA"),
    "upstage": ("https://api.upstage.ai/v1", "UPSTAGE"),
    "fireworks": ("https://api.fireworks.ai/inference/v1", ""),
    "azure-foundry": ("", "AZURE_FOUNDRY"),
    "lmstudio": ("http://127.0.0.1:1234", "LM"),
}
"""Providers that Hermes knows: where their requests go (all of a provider's paths begin so), and the variable
of the base URL before `_BASE_URL`."""
KEYS = {
    "openrouter": "OPENROUTER_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "openai-api": "OPENAI_API_KEY",
    "xai": "XAI_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "alibaba": "DASHSCOPE_API_KEY",
}
"""The variables of the keys of those that `skillclaw run` can give a token."""
FIXED = {
    "copilot-acp": "it is a program, not an address",
    "vertex": "its address is made from the Google project",
    "bedrock": "requests are signed for Amazon's own host",
    "moa": "it stands for several providers at once",
}
"""Providers that cannot be reached through the proxy, and why."""
ALIASES = {
    "claude": "anthropic",
    "claude-code": "anthropic",
    "glm": "zai",
    "z-ai": "zai",
    "z.ai": "zai",
    "zhipu": "zai",
    "x-ai": "xai",
    "x.ai": "xai",
    "grok": "xai",
    "grok-oauth": "xai-oauth",
    "kimi": "kimi-coding",
    "kimi-cn": "kimi-coding-cn",
    "moonshot": "kimi-coding",
    "google": "gemini",
    "google-gemini": "gemini",
    "github": "copilot",
    "github-copilot": "copilot",
    "hf": "huggingface",
    "hugging-face": "huggingface",
    "ollama_cloud": "ollama-cloud",
    "kilo": "kilocode",
    "mimo": "xiaomi",
    "opencode": "opencode-zen",
    "zen": "opencode-zen",
    "aws": "bedrock",
    "amazon-bedrock": "bedrock",
    "google-vertex": "vertex",
    "qwen-portal": "qwen-oauth",
    "qwen-cli": "qwen-oauth",
    "lm-studio": "lmstudio",
    "ollama": "custom",
    "vllm": "custom",
    "llamacpp": "custom",
    "llama.cpp": "custom",
    "llama-cpp": "custom",
}
URL_KEYS = ("api", "url", "base_url")
"""The names that an entry of `providers` may give its base URL; the first that says something counts."""


def choose(config: Mapping[str, Any], variables: Mapping[str, str], path: str) -> Chosen:
    """The provider in use. `variables`: those of `.env` over the environment's; `path`: of config.yaml.

    Raises BadInputError when it cannot be reached through the proxy, with what to do.
    """
    model = config.get("model")
    own: Mapping[str, Any] = model if isinstance(model, dict) else {}
    told = _text(own.get("provider")) or variables.get("HERMES_INFERENCE_PROVIDER", "")
    asked = told.strip().lower()
    if asked in ("", "auto"):
        return _automatic(own, variables, path)
    name = ALIASES.get(asked, asked)
    if asked not in BUILT_IN and asked not in FIXED:
        for found in _named(config, _slug(asked.removeprefix("custom:"))):
            return found
    if name == "custom":
        return _custom(own, variables, path)
    if name in FIXED:
        raise BadInputError(
            f"Hermes uses the provider {asked!r}, which cannot be reached through the proxy.",
            f"{FIXED[name].capitalize()}.",
            "Choose another with `hermes model`, or learn from its history alone: "
            "skillclaw connect --history-only hermes",
        )
    if name not in BUILT_IN:
        raise BadInputError(
            f"Hermes uses the provider {asked!r}, which {path} does not define.",
            "",
            "Define it under `providers:`, or choose another with `hermes model`.",
        )
    return _built_in(name, own, variables, path)


def _named(config: Mapping[str, Any], asked: str) -> Iterator[Chosen]:
    """Providers that the settings define: in `providers`, then in the older list `custom_providers`."""
    providers = config.get("providers")
    for name, entry in providers.items() if isinstance(providers, dict) else ():
        if not isinstance(entry, dict) or entry.get("enabled") is False or not isinstance(name, str):
            continue
        if asked in (_slug(name), _slug(entry.get("name"))):
            yield from _entry(("providers", name), entry, URL_KEYS)
    listed = config.get("custom_providers")
    for at, entry in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(entry, dict) and asked in (_slug(entry.get("name")), _slug(entry.get("provider_key"))):
            yield from _entry(("custom_providers", at), entry, ("base_url",))


def _entry(
    place: tuple[str | int, ...], entry: Mapping[str, Any], names: tuple[str, ...]
) -> Iterator[Chosen]:
    for key in names:
        url = _text(entry.get(key))
        if url:
            title = _text(entry.get("name")) or str(place[-1])
            yield _own(title, url, (*place, key), (*place, "api_key"))
            return


def _built_in(name: str, model: Mapping[str, Any], variables: Mapping[str, str], path: str) -> Chosen:
    url, stem = BUILT_IN[name]
    variable = f"{stem}_BASE_URL" if stem else ""
    written = _text(model.get("base_url")) if _text(model.get("provider")).lower() == name else ""
    if name in ("openrouter", "xai", "nous", "openai-codex", "copilot"):
        written = ""  # Hermes looks there for the others only
    if name == "kimi-coding" and variables.get("KIMI_API_KEY", "").startswith("sk-kimi-"):
        url = "https://api.kimi.com/coding"
    url = variables.get(variable) or written or url
    if not url:
        raise BadInputError(
            f"Hermes uses the provider {name!r}, but has no address for it.",
            "",
            f"Set model.base_url in {path}, or choose a provider with `hermes model`.",
        )
    if name == "lmstudio":
        url = url.rstrip("/").removesuffix("/v1")  # Hermes adds it
    return Chosen(name=name, url=url.rstrip("/"), variable=variable, key=KEYS.get(name, ""))


def _custom(model: Mapping[str, Any], variables: Mapping[str, str], path: str) -> Chosen:
    """An address of the user's own: `model.base_url`, over which the variable CUSTOM_BASE_URL wins."""
    forced = variables.get("CUSTOM_BASE_URL", "")
    if forced:
        return Chosen(name="custom", url=forced.rstrip("/"), variable="CUSTOM_BASE_URL")
    url = _text(model.get("base_url"))
    if not url:
        raise BadInputError(
            "Hermes uses a provider of the user's own, but has no address for it.",
            "",
            f"Set model.base_url in {path}, or choose a provider with `hermes model`.",
        )
    return _own("custom", url, ("model", "base_url"), ("model", "api_key"))


def _automatic(model: Mapping[str, Any], variables: Mapping[str, str], path: str) -> Chosen:
    """No provider is named: an address of the user's own, else OpenRouter if there is a key for it."""
    if _text(model.get("base_url")) or variables.get("CUSTOM_BASE_URL"):
        return _custom(model, variables, path)
    if variables.get("OPENROUTER_API_KEY") or variables.get("OPENAI_API_KEY"):
        return _built_in("openrouter", model, variables, path)
    raise BadInputError(
        "Hermes' settings name no provider.",
        f"{path} has no model.provider.",
        "Choose one: hermes model",
    )


def _own(name: str, url: str, keys: tuple[str | int, ...], token: tuple[str | int, ...]) -> Chosen:
    """A provider of the user's own. Its URL may be replaced if Hermes sees no difference."""
    if _is_local(url) and not urlsplit(url).path.rstrip("/").endswith(("/anthropic", "/anthropic/v1")):
        return Chosen(name=name, url=url.rstrip("/"), keys=keys, token=token)
    return Chosen(name=name, url=url.rstrip("/"))


def _is_local(url: str) -> bool:
    """Whether Hermes takes a URL for one of this machine or this network, as it does with the proxy's."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return False
    if host == "localhost" or (host and "." not in host and ":" not in host):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_loopback or address.is_link_local


def _slug(value: object) -> str:
    return _text(value).lower().replace(" ", "-")


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
