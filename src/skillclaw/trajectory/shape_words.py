"""Which tools, programs and verbs are of which kind, for the shapes of calls: tables, no code."""

from __future__ import annotations

from skillclaw.trajectory.text import word_set

__all__ = [
    "FILE_TOOLS",
    "GENERIC_NOUNS",
    "NESTED",
    "READ_PROGRAMS",
    "READ_SUBCOMMANDS",
    "READ_VERBS",
    "SHELL_TOOLS",
    "SUBCOMMANDS",
    "TARGETS",
    "VERBS",
]

SHELL_TOOLS = word_set(
    "bash shell sh exec exec_command local_shell local_shell_call shell_command run_shell_command "
    "run_terminal_cmd "
    "execute_command execute_bash terminal run_command container.exec powershell run_in_terminal "
    "developer__shell"
)
FILE_TOOLS = word_set(
    "edit write multiedit notebookedit apply_patch str_replace str_replace_editor "
    "str_replace_based_edit_tool write_file "
    "edit_file replace create_file insert_edit_into_file patch replace_in_file write_to_file"
)
TARGETS = (
    "file_path",
    "path",
    "filename",
    "file",
    "notebook_path",
    "target_file",
    "absolute_path",
    "filePath",
    "url",
    "uri",
)

SUBCOMMANDS = word_set(
    "git npm pnpm yarn bun npx uv uvx pip pip3 pipx poetry conda cargo go docker docker-compose "
    "podman kubectl helm make "
    "apt apt-get brew dnf yum gem bundle rails dotnet gradle mvn terraform aws gcloud az gh "
    "systemctl service python "
    "python3 node deno rustup composer php flutter ruff mypy pytest skillclaw ollama huggingface-cli"
)
NESTED = frozenset(
    {
        "uv pip",
        "npm run",
        "pnpm run",
        "yarn run",
        "bun run",
        "docker compose",
        "uv run",
        "poetry run",
        "gh pr",
        "gh issue",
        "gh run",
        "uv tool",
        "go mod",
        "python -m",
        "python3 -m",
        "git stash",
        "git remote",
        "docker container",
        "docker image",
        "gh repo",
        "gh api",
        "npx -y",
        "npm exec",
        "kubectl get",
        "git worktree",
    }
)

READ_PROGRAMS = word_set(
    "ls cat head tail less more grep egrep fgrep rg ag find fd pwd echo which whereis type file "
    "stat wc du df env printenv "
    "ps top htop uname whoami id date tree jq diff cmp sort uniq cut awk nl bat column hexdump xxd "
    "od strings readlink "
    "realpath basename dirname man help history lsof netstat ss hostname free uptime md5sum "
    "sha256sum test [ sed"
)
READ_SUBCOMMANDS = {
    "git": frozenset(
        {
            "status",
            "log",
            "diff",
            "show",
            "blame",
            "branch",
            "remote",
            "rev-parse",
            "ls-files",
            "describe",
            "grep",
            "shortlog",
            "reflog",
        }
    ),
    "docker": frozenset({"ps", "images", "logs", "inspect", "version", "info"}),
    "kubectl": frozenset({"get", "describe", "logs", "version"}),
    "pip": frozenset({"list", "show", "freeze", "index"}),
    "pip3": frozenset({"list", "show", "freeze", "index"}),
    "npm": frozenset({"ls", "list", "view", "outdated"}),
    "gh": frozenset({"pr view", "pr list", "issue view", "issue list", "run view", "run list"}),
}
READ_VERBS = word_set(
    "get search find list read fetch query show view check count calculate think lookup look "
    "retrieve describe inspect "
    "browse glob grep ls cat head tail open peek total engaged average compute explain websearch "
    "webfetch toolsearch"
)
GENERIC_NOUNS = word_set(
    "pending delivered id ids info information details detail item items by all to the of from "
    "with new current for "
    "direct onestop status address payment method name zip email and in"
)
VERBS = READ_VERBS | word_set(
    "create update delete cancel book modify exchange return send reply forward add remove set put "
    "post change edit make "
    "transfer submit assign move rename calculate start stop run execute write insert upload "
    "download schedule"
)
