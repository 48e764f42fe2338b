"""The git remote that an agent says its working folder has.

Codex tells its workspaces' remotes in the metadata of a turn, Cline in its prompt (both read off what the
clients sent: Codex 0.169, Cline 3.0.65).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from skillclaw.trajectory.projects import remote_name
from skillclaw.wire.content import as_dict, as_str

__all__ = ["told_remote"]

_IN_PROMPT = re.compile(r"\"associatedRemoteUrls\": \[([^\]]{1,4000})\]")
_ONE = re.compile(r"\"([^\s:\"]{1,100}): ([^\s\"]{1,400})\"")


def told_remote(texts: Iterable[str], metadata: dict[str, Any], cwd: str) -> str:
    """`host/path` of the remote `origin`, else of the first other; empty where none is told.

    `texts` are the host's own; `metadata` is what Codex says of the turn, where the workspace that holds
    `cwd` counts first.
    """
    spaces = as_dict(metadata.get("workspaces"))
    holding = [path for path in spaces if f"{cwd}/".startswith(f"{path}/")]
    nearest = [*sorted(holding, key=len, reverse=True), *(path for path in spaces if path not in holding)]
    told = [list(as_dict(as_dict(spaces[path]).get("associated_remote_urls")).items()) for path in nearest]
    told += [_ONE.findall(found[1]) for text in texts for found in _IN_PROMPT.finditer(text)]
    for remotes in told:
        named = sorted(remotes, key=lambda one: one[0] != "origin")
        if name := next(filter(None, (remote_name(as_str(url)) for _, url in named)), ""):
            return name
    return ""
