"""What an agent in a room may ask of a provider."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.headless.fitting import NotPassedError, fitted

JSONISH = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(max_size=8)
    | st.just("https://example.org/leak"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "url", "image_url", "file_url", "source", "content", "text"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def passed(**body: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(fitted(json.dumps({"model": "dear", **body}).encode(), "mine")[0])
    return made


def test_the_model_is_the_users_and_the_rest_stays() -> None:
    asked = {
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "max_tokens": 5,
        "thinking": {"a": 1},
    }
    assert passed(**asked) == {**asked, "model": "mine"}
    assert fitted(b'{"max_tokens": 31000}', "m")[1] == 8_000
    assert fitted(b'{"max_output_tokens": 31}', "m")[1] == 31
    assert fitted(b"{}", "m")[1] == 8_000


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "web_fetch_20250910", "name": "web_fetch"},
        {"type": "code_execution_20250825", "name": "code_execution"},
        {"type": "web_search"},
        {"type": "mcp", "server_url": "https://example.org"},
        {"type": "file_search"},
        {"type": "image_generation"},
        {"type": 7},
        "web_search",
    ],
)
def test_tools_that_the_provider_runs_are_left_out(tool: Any) -> None:
    own = [{"name": "Bash", "input_schema": {}}, {"type": "function", "name": "exec"}, {"type": "custom"}]
    assert passed(tools=[tool, *own])["tools"] == own
    alone = passed(tools=[tool], tool_choice={"type": "any"})
    assert "tools" not in alone
    assert "tool_choice" not in alone
    assert passed(tools=own, mcp_servers=[1], web_search_options={}, background=True).keys() == {
        "model",
        "tools",
    }


@pytest.mark.parametrize(
    "field",
    [
        *(
            "search_parameters",
            "enable_search",
            "data_sources",
            "web_search_options",
            "mcp_servers",
            "plugins",
        ),
        *(
            "models",
            "fallbacks",
            "api_base",
            "base_url",
            "provider",
            "route",
            "service_tier",
            "n",
            "metadata",
        ),
    ],
)
def test_fields_that_search_or_lead_to_other_models_and_servers_are_left_out(field: str) -> None:
    assert passed(messages=[], **{field: [{"endpoint": "https://example.org"}]}).keys() == {
        "model",
        "messages",
    }


def test_no_tool_of_the_provider_passes_within_another_or_under_the_name_of_an_own_one() -> None:
    own = {"type": "function", "name": "exec"}
    hosted = {"type": "shell", "environment": {"type": "container_auto", "network_policy": {}}}
    local = {"type": "shell", "environment": {"type": "local"}}
    group = {"type": "namespace", "name": "a", "tools": [own, {"type": "web_search"}, hosted]}
    found = {"type": "tool_search_output", "tools": [own, {"type": "mcp", "server_url": "https://e.org"}]}
    got = passed(tools=[hosted, local, group, {"google_search": {}}], input=[found])
    assert got["tools"] == [local, {**group, "tools": [own]}]
    assert got["input"] == [{**found, "tools": [own]}]


def test_what_a_provider_would_fetch_is_left_out_and_what_it_is_given_stays() -> None:
    link, here = "https://example.org/?leak", "data:image/png;base64,AAAA"
    content: list[Any] = [
        {"type": "image", "source": {"type": "url", "url": link}},
        {"type": "image_url", "image_url": {"url": link}},
        {"type": "input_image", "image_url": link},
        {"type": "input_file", "file_url": link},
        {"type": "tool_result", "content": [{"type": "document", "source": {"type": "url", "url": link}}]},
    ]
    assert link not in json.dumps(passed(messages=[{"role": "user", "content": content}], input=content))
    kept = [
        {"type": "text", "text": link},
        {"type": "input_image", "image_url": here},
        {"type": "image", "source": {"type": "base64", "data": "AAAA"}},
        {"type": "tool_use", "name": "fetch", "input": {"url": link}},
    ]
    assert passed(messages=kept)["messages"] == kept


@given(JSONISH)
def test_no_link_passes_in_the_place_of_one(value: Any) -> None:
    def links(node: Any) -> list[Any]:
        if isinstance(node, list):
            return [one for part in node for one in links(part)]
        if not isinstance(node, dict):
            return []
        own = [node.get(name) for name in ("url", "image_url", "file_url")]
        return [one for one in own if one == "https://example.org/leak"] + links(list(node.values()))

    assert links(passed(messages=value).get("messages")) == []


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_what_is_no_request_is_refused(body: bytes) -> None:
    try:
        fitted(body, "m")
    except NotPassedError:
        return
    assert isinstance(json.loads(body), dict)


def test_a_packed_request_is_refused() -> None:
    with pytest.raises(NotPassedError, match="packed"):
        fitted(b"{}", "m", "gzip")
