"""The providers that are built into pi: their addresses, protocols and the variables with their keys.

As in pi 0.73.1. `skillclaw connect` forwards to the address that stands here where the user has set no other.
"""

from __future__ import annotations

__all__ = ["BUILT_IN", "KEYS", "REFUSED"]

_CHAT, _RESPONSES, _MESSAGES = "openai-completions", "openai-responses", "anthropic-messages"

BUILT_IN = {
    "anthropic": ("https://api.anthropic.com", _MESSAGES),
    "cerebras": ("https://api.cerebras.ai/v1", _CHAT),
    "deepseek": ("https://api.deepseek.com", _CHAT),
    "fireworks": ("https://api.fireworks.ai/inference", _MESSAGES),
    "google": ("https://generativelanguage.googleapis.com/v1beta", "google-generative-ai"),
    "groq": ("https://api.groq.com/openai/v1", _CHAT),
    "huggingface": ("https://router.huggingface.co/v1", _CHAT),
    "kimi-coding": ("https://api.kimi.com/coding", _MESSAGES),
    "minimax": ("https://api.minimax.io/anthropic", _MESSAGES),
    "minimax-cn": ("https://api.minimaxi.com/anthropic", _MESSAGES),
    "mistral": ("https://api.mistral.ai", "mistral-conversations"),
    "moonshotai": ("https://api.moonshot.ai/v1", _CHAT),
    "moonshotai-cn": ("https://api.moonshot.cn/v1", _CHAT),
    "openai": ("https://api.openai.com/v1", _RESPONSES),
    "openai-codex": ("https://chatgpt.com/backend-api", "openai-codex-responses"),
    "opencode-go": ("https://opencode.ai/zen/go/v1", _CHAT),
    "openrouter": ("https://openrouter.ai/api/v1", _CHAT),
    "vercel-ai-gateway": ("https://ai-gateway.vercel.sh", _MESSAGES),
    "xai": ("https://api.x.ai/v1", _CHAT),
    "xiaomi": ("https://api.xiaomimimo.com/anthropic", _MESSAGES),
    "xiaomi-token-plan-ams": ("https://token-plan-ams.xiaomimimo.com/anthropic", _MESSAGES),
    "xiaomi-token-plan-cn": ("https://token-plan-cn.xiaomimimo.com/anthropic", _MESSAGES),
    "xiaomi-token-plan-sgp": ("https://token-plan-sgp.xiaomimimo.com/anthropic", _MESSAGES),
    "zai": ("https://api.z.ai/api/coding/paas/v4", _CHAT),
}
"""Provider -> (base URL, `api`); the agent adds what its protocol needs, such as `/v1/messages`."""

_SIGNED = "Its requests are signed for, or speak, a protocol of the cloud's own."
_MANY = "Its models are at several addresses, and a setting of pi leads them all to one."
REFUSED = {
    "amazon-bedrock": _SIGNED,
    "azure-openai-responses": "Its address is made from variables, once for each deployment.",
    "cloudflare-ai-gateway": _MANY,
    "cloudflare-workers-ai": "Its address holds the account's id, which pi fills in from a variable.",
    "github-copilot": "Its address comes with each login and wins over the settings.",
    "google-vertex": _SIGNED,
    "opencode": _MANY,
}
"""Providers that no setting leads elsewhere, and why."""

KEYS = {
    "anthropic": ("ANTHROPIC_OAUTH_TOKEN", "ANTHROPIC_API_KEY"),
    "openai": ("OPENAI_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "google": ("GEMINI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "vercel-ai-gateway": ("AI_GATEWAY_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "groq": ("GROQ_API_KEY",),
    "cerebras": ("CEREBRAS_API_KEY",),
    "zai": ("ZAI_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "minimax": ("MINIMAX_API_KEY",),
    "minimax-cn": ("MINIMAX_CN_API_KEY",),
    "moonshotai": ("MOONSHOT_API_KEY",),
    "huggingface": ("HF_TOKEN",),
    "fireworks": ("FIREWORKS_API_KEY",),
    "opencode-go": ("OPENCODE_API_KEY",),
    "kimi-coding": ("KIMI_API_KEY",),
    "xiaomi": ("XIAOMI_API_KEY",),
}
"""Provider -> variables with its key, in the order in which pi takes the first that it has a key for."""
