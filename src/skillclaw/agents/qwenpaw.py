"""QwenPaw, formerly CoPaw: https://github.com/agentscope-ai/QwenPaw

Run: QwenPaw 2.2.2, and CoPaw 1.0.2 by `copaw task` alone (what else it needs does not fit together any
more). Its folder is `$QWENPAW_WORKING_DIR` (CoPaw: `$COPAW_WORKING_DIR`), else `~/.copaw` where there is
one, else `~/.qwenpaw`; its providers lie beside it in `<folder>.secret/providers` (`$QWENPAW_SECRET_DIR`),
a file each. The model in use is named in the agent's own `agent.json`, else in `active_model.json`; the
agent's workspace in `config.json`. The base URL of a provider of the user's is `base_url`; of many that
QwenPaw knows it is fixed. The key in that file, encrypted or not, is left as it is. Sessions are named in
the prompt. A skill in the workspace's folder is listed only when the manifest `skill.json` has it enabled.
Histories: `history/qwenpaw.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents import edits
from skillclaw.agents.history import qwenpaw
from skillclaw.agents.platform import Place, Platform
from skillclaw.agents.programs import oldest_first
from skillclaw.agents.records import Env, FileEdit, Finding, HistoryFile, HistoryRead, possible
from skillclaw.agents.texts import Key
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["ADAPTER", "QwenPaw"]

MANIFEST = "workspace-skill-manifest.v1"


class QwenPaw(Platform):
    """The adapter of QwenPaw and CoPaw."""

    name = "qwenpaw"
    title = "QwenPaw"
    programs = ("qwenpaw", "copaw")
    why_not = "QwenPaw takes its providers from files only."

    def folder(self, env: Env) -> Path:
        """QwenPaw's own folder."""
        for variable in ("QWENPAW_WORKING_DIR", "COPAW_WORKING_DIR"):
            if env.environ.get(variable, "").strip():
                return env.folder(variable, ".qwenpaw")
        old = env.home / ".copaw"
        return old if old.exists() else env.home / ".qwenpaw"

    def place(self, env: Env) -> Place:
        """The base URL in the file of the provider in use."""
        name = self._provider(env)
        providers = self._secret(env) / "providers"
        paths = [providers / kind / f"{name}.json" for kind in ("custom", "builtin", "plugin")]
        path = next((path for path in paths if env.read_bytes(path) is not None), None)
        if path is None:
            raise BadInputError(
                f"QwenPaw uses the provider {name!r}, which has no file below {providers}.",
                "",
                "Configure it: qwenpaw models config",
            )
        if self._value(env, path, ("freeze_url",)) is True:
            raise BadInputError(
                f"QwenPaw uses the provider {name!r}, whose address is built in.",
                "",
                "Add one of your own with the same address: qwenpaw models add-provider ID -n NAME -u URL; "
                "or learn from its history alone: skillclaw connect --history-only qwenpaw",
            )
        return Place(path=path, format="json", keys=("base_url",), token_keys=("api_key",), provider=name)

    def findings(self, env: Env, base_url: str | None) -> list[Finding]:
        """Skills that lie in the workspace and are not listed."""
        workspace = self._workspace(env)
        manifest = self._manifest(env, workspace)
        dark = [
            path.parent.name
            for path in sorted((workspace / "skills").glob("*/SKILL.md"))
            if not _enabled(manifest, path.parent.name)
        ]
        if not dark:
            return []
        text = f"in {workspace / 'skills'}, but not enabled: {', '.join(dark)}"
        return [self.finding("ok", "skills", text)]

    def skills(self, env: Env) -> list[Path]:
        """The folder of the active agent's workspace."""
        try:
            return [self._workspace(env) / "skills"]
        except SkillClawError:
            return []

    def listing(self, env: Env, folder: Path, names: Sequence[str]) -> list[FileEdit]:
        """The manifest with skills enabled that it did not list; what the user decided of any stays."""
        if folder not in self.skills(env) or not names:
            return []
        path = folder.parent / "skill.json"
        data = env.read_bytes(path)
        if data is None:
            held = {"schema_version": MANIFEST, "version": 0, "skills": {}}
            data = json.dumps(held, indent=2).encode("utf-8")
        listed = edits.get_key(path, data, "json", ("skills",))[1]
        known = listed if isinstance(listed, dict) else {}
        made: dict[tuple[Key, ...], Any] = {
            ("skills", name, "enabled"): True for name in names if name not in known
        }
        if not made:
            return []
        edit = edits.set_keys(path, data, "json", made)
        return [FileEdit(path=path, before=env.read_bytes(path), after=edit.after, format="json")]

    def histories(self, env: Env) -> list[HistoryFile]:
        """The sessions of all workspaces."""
        found: list[HistoryFile] = []
        for workspace in self._workspaces(env):
            try:
                found += qwenpaw.sessions(workspace)
            except SkillClawError:
                continue
        return oldest_first(found)

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """The sessions in a database, or the one in a file."""
        if qwenpaw.is_database(path):
            return [file for file in qwenpaw.sessions(path.parent) if file.path == path]
        return super().histories_in(path, env)

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session; see `history/qwenpaw.py`."""
        if file.session:
            return qwenpaw.read_database(file.path, file.session, env)
        return qwenpaw.read_file(file.path, env)

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """Its database, or a session's file."""
        return any(map(qwenpaw.is_session, values)) if values else qwenpaw.is_database(path)

    def _secret(self, env: Env) -> Path:
        for variable in ("QWENPAW_SECRET_DIR", "COPAW_SECRET_DIR"):
            if env.environ.get(variable, "").strip():
                return env.folder(variable, "")
        folder = self.folder(env)
        return folder.with_name(f"{folder.name}.secret")

    def _workspace(self, env: Env) -> Path:
        """The active agent's workspace."""
        config = self.folder(env) / "config.json"
        agent = self._value(env, config, ("agents", "active_agent"))
        agent = agent if isinstance(agent, str) and agent else "default"
        given = self._value(env, config, ("agents", "profiles", agent, "workspace_dir"))
        if isinstance(given, str) and given:
            path = env.told(given)
            if path.is_absolute():
                return path
        return self.folder(env) / "workspaces" / possible(agent)

    def _workspaces(self, env: Env) -> list[Path]:
        """All agents' workspaces."""
        try:
            found = sorted(path for path in (self.folder(env) / "workspaces").iterdir() if path.is_dir())
        except OSError:
            found = []
        try:
            return list(dict.fromkeys([*found, self._workspace(env)]))
        except SkillClawError:
            return found

    def _provider(self, env: Env) -> str:
        """The id of the provider in use."""
        own = self._value(env, self._workspace(env) / "agent.json", ("active_model", "provider_id"))
        active = self._secret(env) / "providers" / "active_model.json"
        name = own or self._value(env, active, ("provider_id",))
        if not isinstance(name, str) or not name or "/" in name or "\\" in name:
            raise BadInputError(
                "QwenPaw has no model in use.", f"{active} names none.", "Choose one: qwenpaw models set-llm"
            )
        return name

    def _manifest(self, env: Env, workspace: Path) -> Any:
        return self._value(env, workspace / "skill.json", ("skills",))

    def _value(self, env: Env, path: Path, keys: tuple[str, ...]) -> Any:
        return edits.get_key(path, env.read_bytes(path), "json", keys)[1]


def _enabled(manifest: Any, name: str) -> bool:
    entry = manifest.get(name) if isinstance(manifest, dict) else None
    return isinstance(entry, dict) and entry.get("enabled") is True


ADAPTER = QwenPaw()
