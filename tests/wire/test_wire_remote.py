"""The git remote that agents tell: Codex in a turn's metadata, Cline in its prompt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skillclaw.wire.decode import decode
from skillclaw.wire.place import place
from skillclaw.wire.records import Call

CLINE = """You are Cline.
# Workspace Configuration
{
  "workspaces": {
    "/srv/shop": {
      "hint": "shop",
      "associatedRemoteUrls": [
        "fork: git@git.example:ada/shop.git",
        "origin: https://git.example/acme/Shop.git"
      ],
      "latestGitCommitHash": "0a1b2c",
      "latestGitBranchName": "till"
    }
  }
}
"""


def env_of(
    body: dict[str, Any], headers: dict[str, str] | None = None, path: str = "/v1/responses"
) -> dict[str, str]:
    found = decode(
        Call(
            method="POST",
            path=path,
            request_headers=list((headers or {}).items()),
            request_body=json.dumps(body).encode(),
            status=200,
            response_headers=[],
            response_body=b"",
        )
    )
    assert found is not None
    return found.env


def codex(spaces: Any, cwd: str = "/srv/shop/web") -> dict[str, str]:
    context = {
        "role": "user",
        "content": [
            {
                "type": "input_text",
                "text": f"<environment_context>\n  <cwd>{cwd}</cwd>\n</environment_context>",
            }
        ],
    }
    told = json.dumps({"request_kind": "turn", "workspaces": spaces})
    return env_of(
        {"input": [{"type": "message", **context}]}, {"session-id": "s", "x-codex-turn-metadata": told}
    )


def remotes(**urls: Any) -> dict[str, Any]:
    return {"associated_remote_urls": urls, "latest_git_commit_hash": "0a1b2c"}


def test_codex_tells_it_of_the_workspace_that_it_works_in() -> None:
    spaces = {
        "/srv/other": remotes(origin="https://git.example/acme/other"),
        "/srv/shop": remotes(
            fork="git@git.example:ada/shop", origin="https://u:t0ken@git.example/Acme/shop.git"
        ),
        "/srv": remotes(origin="https://git.example/acme/all"),
    }
    assert codex(spaces)["git_remote"] == "git.example/acme/shop"
    assert codex(spaces, "/srv/else")["git_remote"] == "git.example/acme/all"
    assert codex({"/srv/shop": remotes(origin="/srv/bare.git", fork="git@git.example:ada/shop")})[
        "git_remote"
    ] == ("git.example/ada/shop")


@pytest.mark.parametrize(
    "spaces",
    [
        None,
        [],
        {},
        {"/srv/shop": None},
        {"/srv/shop": {}},
        {"/srv/shop": remotes(origin=7)},
        {"/srv": remotes(origin="x")},
    ],
)
def test_codex_without_one(spaces: Any) -> None:
    assert "git_remote" not in codex(spaces)


def test_cline_tells_it_in_its_prompt() -> None:
    body = {"messages": [{"role": "system", "content": CLINE}, {"role": "user", "content": "hi"}]}
    env = env_of(body, path="/v1/chat/completions")
    assert (env["git_remote"], env["git_branch"]) == ("git.example/acme/shop", "till")


def test_a_user_who_writes_the_like_tells_nothing() -> None:
    body = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": CLINE}]}
    assert "git_remote" not in env_of(body, path="/v1/chat/completions")


@pytest.mark.parametrize("told", ["<cwd>/srv/shop</cwd>", "<cwd>\n/srv/shop\n</cwd>"])
def test_the_working_folder_between_tags_on_one_line_or_three(told: str) -> None:
    """Codex writes one line, pi 0.87 three."""
    assert place([f"You are an agent.\n{told}\n"])[0] == "/srv/shop"
