"""Every agent's own settings files, harmed: what `connect`, `run`, `doctor` and the finding of agents read.

The bytes are choices: the agent, then what stands in each of its files. Only a SkillClawError with a sentence
may come of it, and what never raises (finding, doctor, folders of skills) does not.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from fuzz_histories import tree
from fuzz_made import Drawn, dumped

from skillclaw.agents import adapters
from skillclaw.errors import SkillClawError

ALLOWED: tuple[type[Exception], ...] = ()
MODEL = {"model": "openai/m", "api_key": "k", "base_url": "http://h:1/v1"}
PROVIDER = {
    "type": "openai",
    "baseUrl": "https://h/v1",
    "base_url": "https://h/v1",
    "apiKey": "k",
    "models": [{"id": "m"}],
}
FILES: dict[str, dict[str, object]] = {
    "aider": {
        ".aider.conf.yml": "model: sonnet\nset-env:\n- ANTHROPIC_API_BASE=http://h:1\napi-key: [a=b]\n",
        ".env": "OPENAI_API_KEY=k\n",
    },
    "claude-code": {
        ".claude/settings.json": {
            "env": {"ANTHROPIC_BASE_URL": "http://h:1", "CLAUDE_CODE_USE_BEDROCK": "1"},
            "model": "m",
        }
    },
    "cline": {
        ".cline/data/settings/providers.json": {
            "lastUsedProvider": "openai",
            "providers": {"openai": {"settings": PROVIDER}},
        }
    },
    "codex": {
        ".codex/config.toml": 'model_provider = "own"\n[model_providers.own]\n'
        'base_url = "http://h:1"\nenv_key = "K"\n[profiles.a]\n',
        ".codex/auth.json": {
            "OPENAI_API_KEY": None,
            "tokens": {"id_token": "a.b.c", "account_id": "x"},
            "auth_mode": "chatgpt",
        },
    },
    "crush": {
        ".config/crush/crush.json": {
            "models": {"large": {"provider": "o", "model": "b"}},
            "providers": {"o": PROVIDER},
        },
        ".local/share/crush/crush.json": {"models": {}, "providers": {}},
        ".local/share/crush/providers.json": [{"id": "o", "api_endpoint": "$X", "type": "openai"}],
        ".local/share/crush/projects.json": {
            "projects": [{"path": "/srv/shop", "data_dir": "/srv/shop/.crush"}]
        },
    },
    "gemini-cli": {
        ".gemini/settings.json": {
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "context": {"fileName": ["A"]},
        },
        ".gemini/.env": "GOOGLE_GEMINI_BASE_URL=http://h:1\n",
    },
    "goose": {
        ".config/goose/config.yaml": "GOOSE_PROVIDER: openai\nOPENAI_HOST: https://h/\n"
        "extensions:\n  developer:\n    enabled: true\n"
    },
    "hermes": {
        ".hermes/config.yaml": "model:\n  default: big\n  provider: custom\n  base_url: http://h:1\n"
        "plugins:\n  enabled: [one]\ncustom_providers:\n- name: c\n  base_url: http://h\n",
        ".hermes/.env": "OPENAI_API_KEY=k\n",
        ".hermes/skills/.usage.json": {"a": {"agent": True, "created_by": "agent"}},
    },
    "ironclaw": {
        ".ironclaw/providers.json": [{"id": "o", "aliases": ["p"], "base_url_env": "X_URL"}],
        ".ironclaw/.env": "LLM_BACKEND=o\n",
        ".ironclaw/config.toml": '[llm]\nbackend = "o"\n',
    },
    "nanobot": {
        ".nanobot/config.json": {
            "agents": {
                "defaults": {"provider": "auto", "model": "a/b", "modelPreset": "p", "workspace": "~/w"}
            },
            "modelPresets": {"p": {"model": "m", "provider": "custom"}},
            "providers": {"custom": {"apiKey": "k", "apiBase": "http://h:1"}, "groq": {"apiKey": "k"}},
        }
    },
    "nanoclaw": {
        "nanoclaw/package.json": {"name": "nanoclaw", "version": "2"},
        "nanoclaw/.env": "ANTHROPIC_BASE_URL=http://host.docker.internal:1\n",
        ".docker/config.json": {"currentContext": "desktop-linux"},
    },
    "nemoclaw": {
        ".nemoclaw/sandboxes.json": {
            "sandboxes": {"a": {"name": "a", "provider": "o"}},
            "defaultSandbox": "a",
        }
    },
    "openclaw": {
        ".openclaw/openclaw.json": {
            "models": {"providers": {"own": PROVIDER}, "mode": "merge"},
            "agents": {
                "defaults": {"model": {"primary": "own/m"}, "workspace": "~/w"},
                "list": [{"id": "main"}],
            },
            "skills": {"load": {"extraDirs": ["~/s"]}},
        }
    },
    "opencode": {
        ".config/opencode/opencode.json": {
            "model": "own/m",
            "provider": {
                "own": {"npm": "@ai-sdk/openai-compatible", "options": PROVIDER, "models": {"m": {}}}
            },
        },
        ".local/share/opencode/auth.json": {"own": {"type": "api", "key": "k"}},
        ".cache/opencode/models.json": {"own": {"id": "own", "api": "http://h", "npm": "x"}},
        ".local/state/opencode/model.json": {"recent": [{"providerID": "own", "modelID": "m"}]},
    },
    "openhands": {".openhands/agent_settings.json": {"llm": MODEL, "condenser": {"llm": MODEL}}},
    "pi": {
        ".pi/agent/models.json": {"providers": {"own": PROVIDER}},
        ".pi/agent/settings.json": {
            "defaultProvider": "own",
            "defaultModel": "m",
            "skills": ["~/s"],
            "sessionDir": "~/x",
        },
        ".pi/agent/auth.json": {"own": {"type": "api_key", "key": "k"}},
    },
    "picoclaw": {
        ".picoclaw/config.json": {
            "agents": {"defaults": {"model_name": "w", "workspace": "~/w"}},
            "model_list": [
                {"model_name": "w", "model": "openai/m", "api_base": "http://h:1", "fallbacks": ["x"]}
            ],
        }
    },
    "qwen-code": {
        ".qwen/settings.json": {
            "security": {"auth": {"selectedType": "openai", "baseUrl": "http://h", "apiKey": "k"}},
            "model": {"name": "m"},
            "env": {"OPENAI_BASE_URL": "http://h"},
            "modelProviders": {"openai": [{"id": "m", "baseUrl": "http://h", "envKey": "K"}]},
        },
        ".qwen/.env": "OPENAI_BASE_URL=http://h:1\n",
    },
    "qwenpaw": {
        ".qwenpaw/config.json": {
            "agents": {"profiles": {"default": {"workspace_dir": "~/w"}}, "active_agent": "default"}
        },
        ".qwenpaw.secret/providers/active_model.json": {"provider_id": "mine", "model": "m"},
        ".qwenpaw.secret/providers/custom/mine.json": {
            "id": "mine",
            "base_url": "https://h/v1",
            "api_key": "k",
            "freeze_url": False,
        },
        ".qwenpaw/workspaces/default/skill.json": {"skills": {"a": {"source": "x"}}},
        ".qwenpaw/workspaces/default/agent.json": {"active_model": {"provider_id": "mine"}},
    },
    "zeroclaw": {
        ".zeroclaw/config.toml": '[agents.a]\nmodel_provider = "custom.b"\n[providers.models.custom.b]\nuri = "http://h:1"\n'
    },
}
NAMES = sorted(FILES)


def once(data: bytes) -> None:
    """One agent and all that reads its settings."""
    drawn = Drawn(data)
    agent = drawn.pick(NAMES)
    env = tree()
    for name, held in FILES[agent].items():
        path = env.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_content(drawn, held))
    adapter = adapters()[agent]
    url = f"http://127.0.0.1:8787/{agent}"
    doings: list[Callable[[], object]] = [
        lambda: adapter.connect(env, url),
        lambda: adapter.connect(env, url, "token"),
        lambda: adapter.launch(env, url, [], "token"),
        lambda: adapter.upstream(env),
    ]
    for doing in doings:
        try:
            doing()
        except SkillClawError as error:
            assert error.what and "Traceback" not in str(error)
    adapter.detect(env, versions=False)
    for finding in [*adapter.doctor(env, url), *adapter.doctor(env, None)]:
        json.dumps([finding.text, finding.mend])
    [*adapter.skills(env), *adapter.learned(env), *adapter.histories(env)]


def _content(drawn: Drawn, held: object) -> bytes:
    if isinstance(held, str):
        made = held.encode()
    else:
        made = json.dumps(held, indent=2).encode() if drawn.yes(4) else dumped(drawn.harmed(held))
    return drawn.torn(made) if isinstance(held, str) or drawn.yes(4) else made
