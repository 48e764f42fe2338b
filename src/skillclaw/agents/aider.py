"""Aider: https://github.com/Aider-AI/aider

Run with aider-chat 0.86.2. Settings `.aider.conf.yml` in the home, the repository and the working folder, of
which the last wins; connecting edits the home's. `openai-api-base` is the base URL for OpenAI and whatever
speaks like it; that of another provider is a variable of LiteLLM, which the list `set-env` sets (it wins over
the shell and over `.env` files). OPENAI_BASE_URL, wherever it is set, wins over `openai-api-base`; where it
is, `set-env` gets it too. The provider is told by the model, else by the keys that are there.

Aider has no tools, so no skills folder either: the proxy puts whole skills into its requests (`inject`).
No session id is on the wire. Its history, `.aider.chat.history.md`, one file per repository for all of its
conversations, tells neither times nor what commands gave back nor ids by which a conversation is the one
that the proxy recorded: it is not read, as everything in it would be there twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.platform import Place, Platform, Setting
from skillclaw.agents.records import Env, Finding
from skillclaw.agents.urls import is_own
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "Aider"]

CONF = ".aider.conf.yml"
WINNER = "OPENAI_BASE_URL"
PROVIDERS = {
    "openai": ("OPENAI_API_BASE", "https://api.openai.com/v1"),
    "anthropic": ("ANTHROPIC_API_BASE", "https://api.anthropic.com"),
    "deepseek": ("DEEPSEEK_API_BASE", "https://api.deepseek.com/beta"),
    "openrouter": ("OPENROUTER_API_BASE", "https://openrouter.ai/api/v1"),
    "groq": ("GROQ_API_BASE", "https://api.groq.com/openai/v1"),
    "gemini": ("GEMINI_API_BASE", "https://generativelanguage.googleapis.com/v1beta"),
}
"""LiteLLM's name of a provider -> its variable, and where its requests go without."""
BY_KEY = {
    "OPENROUTER_API_KEY": "openrouter",
    "ANTHROPIC_API_KEY": "anthropic",
    "DEEPSEEK_API_KEY": "deepseek",
    "OPENAI_API_KEY": "openai",
    "GEMINI_API_KEY": "gemini",
}
"""Without a model aider takes the first of these that is set."""
ALIASES = {
    "sonnet": "anthropic",
    "haiku": "anthropic",
    "opus": "anthropic",
    "deepseek": "deepseek",
    "r1": "deepseek",
    "flash": "gemini",
    "flash-lite": "gemini",
    "gemini": "gemini",
    "gemini-exp": "gemini",
    "gemini-2.5-pro": "gemini",
    "gemini-3-pro-preview": "gemini",
    "quasar": "openrouter",
    "optimus": "openrouter",
    "grok3": "xai",
}
"""Aider's own short names of models."""
MODELS = ("weak-model", "editor-model")
"""Settings that name further models; without them aider takes such of the same provider."""


class Aider(Platform):
    """The adapter of Aider."""

    name = "aider"
    title = "Aider"
    programs = ("aider",)
    variables = (WINNER, "OPENAI_API_BASE")
    key_variables = ("OPENAI_API_KEY",)
    environment_wins = True
    inject = "bodies"

    def folder(self, env: Env) -> Path:
        """Where aider keeps what is the user's; its settings are beside it."""
        return env.home / ".aider"

    def place(self, env: Env) -> Place:
        """The home's `.aider.conf.yml`: `openai-api-base`, or an item of `set-env`."""
        path = env.home / CONF
        provider = _provider(env)
        variable, default = PROVIDERS[provider]
        scalar = provider == "openai"
        keyed = provider in ("openai", "anthropic")
        return Place(
            path=path,
            format="yaml",
            keys=("openai-api-base",) if scalar else ("set-env",),
            item="" if scalar else f"{variable}=",
            token_keys=(f"{provider}-api-key",) if keyed else (),
            default=default,
            provider=provider,
        )

    def own_url(self, env: Env) -> str:
        """The first of the places that aider would take it from."""
        provider = _provider(env)
        found: list[Any] = [_told(env, name) for name in _names(provider)]
        if provider == "openai":
            files = [values.get("openai-api-base") for values in _confs(env)]
            found = [found[0], env.environ.get("AIDER_OPENAI_API_BASE"), *files, *found[1:]]
        for url in found:
            if isinstance(url, str) and "://" in url and not is_own(url.strip(), self.name):
                return url.strip().rstrip("/")
        return ""

    def extras(self, env: Env, base_url: str) -> list[Setting]:
        """The variable that would win over the base URL in the settings, where somebody set it."""
        place = self.place(env)
        if place.item or not (_told(env, WINNER) or env.environ.get("AIDER_OPENAI_API_BASE")):
            return []
        value = f"{WINNER}={base_url}"
        return [Setting(path=place.path, format="yaml", keys=("set-env",), value=value, item=True)]

    def notes(self, env: Env) -> list[str]:
        """Aider reads no skills itself, and further models may go elsewhere."""
        provider = _provider(env)
        told = ["Aider has no skills folder; the proxy puts the skills into its requests."]
        for values in _confs(env):
            for name in MODELS:
                model = values.get(name)
                if isinstance(model, str) and (other := _provider_of(model)) and other != provider:
                    told.append(f"{name} is {model}: its requests go past the proxy.")
        return told

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """Nearer files that win over the home's."""
        found = []
        place = self.place(env)
        key = "set-env" if place.item else "openai-api-base"
        for path in _files(env, CONF)[:-1]:
            if base_url is not None and key in _conf(env, path):
                text = f"{path} sets {key}, which wins over {place.path} in that folder"
                found.append(self.finding("warn", "settings", text, f"Take {key} out of {path}."))
        return found

    def _settings_findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """Without the variables of the shell: those that would win are set in `set-env` (`extras`)."""
        found = super()._settings_findings(env, base_url)
        return [finding for finding in found if not finding.subject.endswith(" environment")]

    def launch_env(self, env: Env, base_url: str, token: str) -> dict[str, str]:
        """The variables of the provider in use; BadInputError where a file of aider's wins over them."""
        provider = _provider(env)
        names = _names(provider)
        confs = _confs(env)
        taken = next((name for name in names if _in_files(env, name)), "")
        if token and _key_in(confs, provider):
            taken = f"{provider}-api-key"
        if taken:
            raise BadInputError(
                f"Aider's files set {taken}, which wins over what it is started with.",
                "",
                "Use: skillclaw connect aider",
            )
        made = dict.fromkeys(names, base_url)
        return made | ({f"{provider.upper()}_API_KEY": token} if token else {})


def _names(provider: str) -> list[str]:
    """The variables with a provider's base URL, the one that wins first."""
    variable = PROVIDERS[provider][0]
    return [WINNER, variable] if provider == "openai" else [variable]


def _files(env: Env, name: str) -> list[Path]:
    """Where aider looks for a file, the nearest first: working folder, repository, home."""
    root = next((path for path in (env.cwd, *env.cwd.parents) if (path / ".git").exists()), None)
    folders = [env.cwd, *([root] if root else []), env.home]
    return list(dict.fromkeys(folder / name for folder in folders))


def _conf(env: Env, path: Path) -> dict[str, Any]:
    """The settings in a file of aider's; BadInputError when it does not parse."""
    held = edits.get_key(path, env.read_bytes(path), "yaml", ())[1]
    return held if isinstance(held, dict) else {}


def _confs(env: Env) -> list[dict[str, Any]]:
    return [_conf(env, path) for path in _files(env, CONF)]


def _dotenv(env: Env, path: Path) -> dict[str, Any]:
    """The variables in a `.env` file; none in one that does not parse, of which aider only warns."""
    try:
        held = edits.get_key(path, env.read_bytes(path), "env", ())[1]
    except SkillClawError:
        return {}
    return held if isinstance(held, dict) else {}


def _in_files(env: Env, name: str) -> str:
    """A variable as aider's files have it: `set-env`, then `.env` files; empty where they do not."""
    for values in _confs(env):
        given = values.get("set-env")
        if given is None:
            continue
        # The nearest file's list replaces those of the others; of its items the last counts.
        items = given if isinstance(given, list) else [given]
        own = [item.partition("=")[2].strip() for item in items if str(item).startswith(f"{name}=")]
        told = next((value for value in reversed(own) if not is_own(value, "aider")), "")
        if told:
            return str(told)
        break
    return next((str(value) for path in _files(env, ".env") if (value := _dotenv(env, path).get(name))), "")


def _told(env: Env, name: str) -> str:
    """A variable as aider has it in the end."""
    return _in_files(env, name) or env.environ.get(name, "")


def _provider(env: Env) -> str:
    """The provider in use; BadInputError where it cannot be pointed anywhere or is not known."""
    confs = _confs(env)
    model = env.environ.get("AIDER_MODEL") or next((c["model"] for c in confs if c.get("model")), None)
    if isinstance(model, str):
        found = _provider_of(model)
    else:
        found = next(
            (name for key, name in BY_KEY.items() if _key_in(confs, name) or _told(env, key)), "openai"
        )
    if found not in PROVIDERS:
        raise BadInputError(
            f"Aider uses {model}, which cannot be pointed at the proxy.",
            f"The address of {found} is no setting that SkillClaw knows.",
            f"Choose a model of another provider: {', '.join(PROVIDERS)}.",
        )
    return found


def _provider_of(model: str) -> str:
    """LiteLLM's name of the provider of a model."""
    head, slash, _ = model.partition("/")
    if slash:
        return head.lower()
    if model in ALIASES:
        return ALIASES[model]
    return "anthropic" if model.startswith("claude") else "openai"


def _key_in(confs: list[dict[str, Any]], provider: str) -> bool:
    """Whether aider's settings hold a provider's key; only whether."""
    for values in confs:
        given = values.get("api-key")
        items = given if isinstance(given, list) else [given]
        if values.get(f"{provider}-api-key") or any(str(i).startswith(f"{provider}=") for i in items):
            return True
    return False


ADAPTER = Aider()
