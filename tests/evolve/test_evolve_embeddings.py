"""Embeddings: what is asked of an API and what is refused, the packaged model, the cache, the settings."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from skillclaw.errors import BadInputError, SkillClawError, StorageError, UsageError
from skillclaw.evolve import embeddings_http
from skillclaw.evolve.embedding_rows import unit_rows
from skillclaw.evolve.embeddings import CachedEmbedder, cache_key, departs, make_embedder
from skillclaw.evolve.embeddings_http import HttpEmbedder
from skillclaw.evolve.embeddings_local import StaticEmbedder
from skillclaw.settings import EvolveSettings, load, set_value

KEY = "sk-test-0123456789"
Answer = Callable[[int, dict[str, Any]], tuple[int, dict[str, str], Any]]


def vector(text: str) -> list[float]:
    return [float(len(text)), float(sum(map(ord, text)) % 97), 1.0]


def good(number: int, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    data = [{"object": "embedding", "index": i, "embedding": vector(t)} for i, t in enumerate(body["input"])]
    return 200, {}, {"object": "list", "data": data[::-1], "model": body["model"]}


class Api:
    """What came in."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []

    @property
    def texts(self) -> list[str]:
        return [t for body in self.bodies for t in body["input"]]


@contextmanager
def api(answer: Answer = good) -> Iterator[Api]:
    seen = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.bodies.append(body)
            seen.headers.append({k.lower(): v for k, v in self.headers.items()})
            seen.paths.append(self.path)
            status, headers, content = answer(len(seen.bodies), body)
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hangs up is part of these tests."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    seen.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def embedder(seen: Api, **more: Any) -> HttpEmbedder:
    return HttpEmbedder(seen.url, "small", KEY, **{"wait": 0.01, "timeout": 5.0, **more})


def expected(texts: Sequence[str]) -> NDArray[np.float32]:
    return unit_rows(np.array([vector(t) for t in texts], dtype=np.float32))


# --- API


def test_vectors_come_in_the_order_of_the_texts_whatever_the_order_of_the_answer() -> None:
    texts = [f"text {'x' * (i * 7 % 50)} {i}" for i in range(150)]
    with api() as seen:
        rows = embedder(seen).embed(texts)
    assert np.array_equal(rows, expected(texts))
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert len(seen.bodies) == 3
    assert {(b["model"], b["encoding_format"]) for b in seen.bodies} == {("small", "float")}
    assert set(seen.paths) == {"/v1/embeddings"}
    assert {h["authorization"] for h in seen.headers} == {f"Bearer {KEY}"}


def test_a_text_is_sent_once_and_an_empty_one_never() -> None:
    with api() as seen:
        rows = embedder(seen).embed(["one", "", "two", "one", " … "])
    assert sorted(seen.texts) == ["one", "two"]
    assert np.array_equal(rows[0], rows[3])
    assert not rows[1].any() and not rows[4].any()


def test_without_texts_nothing_is_asked() -> None:
    with api() as seen:
        assert embedder(seen).embed([]).shape == (0, 0)
        assert embedder(seen).embed(["", " "]).shape == (2, 0)
    assert not seen.bodies


def test_long_texts_are_cut_and_batches_bounded_by_characters() -> None:
    texts = [f"{i} " + "word " * 2000 for i in range(60)]
    with api() as seen:
        embedder(seen).embed(texts)
    assert max(len(t) for t in seen.texts) == embeddings_http.LONGEST
    assert all(sum(map(len, b["input"])) <= embeddings_http.BATCH_CHARS for b in seen.bodies)


def test_a_lone_surrogate_does_not_stop_the_request() -> None:
    with api() as seen:
        assert embedder(seen).embed(["broken \ud800 text"]).shape == (1, 3)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(status: int) -> None:
    def answer(number: int, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        return (status, {"Retry-After": "0"}, {}) if number < 3 else good(number, body)

    with api(answer) as seen:
        assert np.array_equal(embedder(seen).embed(["one"]), expected(["one"]))
    assert len(seen.bodies) == 3


def test_retry_after_is_waited_for_and_too_long_a_wait_is_given_up() -> None:
    with (
        api(lambda n, b: (429, {"Retry-After": "86400"}, {})) as seen,
        pytest.raises(SkillClawError, match="did not serve") as caught,
    ):
        embedder(seen).embed(["one"])
    assert len(seen.bodies) == 1
    assert "429" in caught.value.why
    assert embeddings_http._retry_after({"Retry-After": "7"}) == 7
    assert embeddings_http._retry_after({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}) == 0
    assert embeddings_http._retry_after({"Retry-After": "soon"}) is None
    assert embeddings_http._retry_after({}) is None


def test_tries_end() -> None:
    with api(lambda n, b: (500, {}, {})) as seen, pytest.raises(SkillClawError) as caught:
        embedder(seen).embed(["one"])
    assert len(seen.bodies) == embeddings_http.TRIES
    assert f"after {embeddings_http.TRIES} tries" in str(caught.value)


def test_a_refused_key_is_not_tried_again_and_neither_key_nor_text_is_told() -> None:
    with (
        api(lambda n, b: (401, {}, {"error": f"bad key {KEY}"})) as seen,
        pytest.raises(SkillClawError) as caught,
    ):
        embedder(seen).embed(["a private text"])
    assert len(seen.bodies) == 1
    assert "evolve.embeddings_key_env" in caught.value.todo
    assert KEY not in str(caught.value) and "private" not in str(caught.value)


def test_a_redirect_is_not_followed() -> None:
    with api() as other, api(lambda n, b: (307, {"Location": f"{other.url}/embeddings"}, {})) as seen:
        asked = embedder(seen)
        with pytest.raises(SkillClawError, match="did not serve"):
            asked.embed(["one"])
    assert not other.bodies


def test_a_proxy_of_the_environment_does_not_get_what_is_for_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with api() as proxy, api() as seen:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        embedder(seen).embed(["one"])
    assert not proxy.bodies


def test_a_server_that_is_not_there_is_told() -> None:
    with api() as seen:
        pass
    with pytest.raises(SkillClawError, match="did not serve") as caught:
        embedder(seen).embed(["one"])
    assert "connection failed" in caught.value.why


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings_http, "TRIES", 2)
    from threading import Event

    free = Event()

    def answer(number: int, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        free.wait(5)
        return good(number, body)

    with api(answer) as seen:
        with pytest.raises(SkillClawError) as caught:
            embedder(seen, timeout=0.1).embed(["one"])
        free.set()
    assert "No answer within 0.1 s" in caught.value.why


def item(index: Any, value: Any) -> dict[str, Any]:
    return {"index": index, "embedding": value}


@pytest.mark.parametrize(
    "content",
    [
        b"<html>not json</html>",
        b"[" * 100_000,
        {"error": "none"},
        {"data": []},
        {"data": [item(0, [1.0, 2.0])]},
        {"data": [item(0, [1.0]), item(0, [1.0])]},
        {"data": [item(0, [1.0]), item(2, [1.0])]},
        {"data": [item(0, [1.0]), item(-1, [1.0])]},
        {"data": [item(0, [1.0]), item(1, [1.0]), item(2, [1.0])]},
        {"data": [item(0, [1.0]), item(1, [1.0, 2.0])]},
        {"data": [item(0, []), item(1, [])]},
        {"data": [item(0, [0.0]), item(1, [1.0])]},
        {"data": [item(0, "AACAPw=="), item(1, "AACAPw==")]},
        b'{"data": [{"index": 0, "embedding": [1e39]}, {"index": 1, "embedding": [1.0]}]}',
        b'{"data": [{"index": 0, "embedding": [1e999]}, {"index": 1, "embedding": [1.0]}]}',
        b'{"data": [{"index": 0, "embedding": [NaN]}, {"index": 1, "embedding": [1.0]}]}',
    ],
    ids=str,
)
def test_an_odd_answer_is_refused(content: Any) -> None:
    with api(lambda n, b: (200, {}, content)) as seen, pytest.raises(SkillClawError, match="did not serve"):
        embedder(seen).embed(["one", "two"])
    assert len(seen.bodies) == 1


def test_batches_of_different_sizes_are_refused() -> None:
    def answer(number: int, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        size = 2 if "5" in body["input"] else 3
        return 200, {}, {"data": [item(i, [1.0] * size) for i, _ in enumerate(body["input"])]}

    with api(answer) as seen, pytest.raises(SkillClawError) as caught:
        embedder(seen).embed([str(i) for i in range(100)])
    assert "2 sizes" in caught.value.why


def test_an_answer_without_numbers_is_taken_in_order() -> None:
    def answer(number: int, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        return 200, {}, {"data": [{"embedding": vector(t)} for t in body["input"]]}

    with api(answer) as seen:
        assert np.array_equal(embedder(seen).embed(["bb", "a"]), expected(["bb", "a"]))


def test_an_endless_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings_http, "MOST_BYTES", 1 << 16)
    with api(lambda n, b: (200, {}, b" " * (1 << 18))) as seen, pytest.raises(SkillClawError) as caught:
        embedder(seen).embed(["one"])
    assert "larger than" in caught.value.why


# --- settings


def test_embeddings_are_off_until_asked_for() -> None:
    assert make_embedder(EvolveSettings(), {}) is None
    assert departs(EvolveSettings()) is None
    assert departs(EvolveSettings(embeddings="local")) is None


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8000/v1", None),
        ("http://localhost:8000/v1", None),
        ("http://[::1]:8000/v1", None),
        ("https://api.example.com/v1", "api.example.com"),
        ("http://10.0.0.7/v1", "10.0.0.7"),
        ("http://localhost.example.com/v1", "localhost.example.com"),
        ("http://127.0.0.1.example.com", "127.0.0.1.example.com"),
        ("http://0.0.0.0:8000", "0.0.0.0"),
        ("http://[bad", "http://[bad"),
    ],
)
def test_a_host_that_is_not_this_machine_is_named(url: str, host: str | None) -> None:
    assert departs(EvolveSettings(embeddings=url, embeddings_model="m")) == host


@pytest.mark.parametrize(
    "value",
    [
        "on",
        "ftp://host/v1",
        "file:///etc/passwd",
        "http://user:pass@host/v1",
        "https://h/v1?key=x",
        "http://",
    ],
)
def test_what_is_no_base_url_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(UsageError):
        set_value(tmp_path, "evolve.embeddings", value)
    with pytest.raises(BadInputError):
        load(tmp_path, {"SKILLCLAW_EVOLVE__EMBEDDINGS": value})


def test_settings_take_a_url_a_model_and_the_name_of_the_keys_variable(tmp_path: Path) -> None:
    set_value(tmp_path, "evolve.embeddings", "https://api.example.com/v1")
    set_value(tmp_path, "evolve.embeddings_model", "small")
    set_value(tmp_path, "evolve.embeddings_key_env", "EMBED_KEY")
    found = load(tmp_path, {}).evolve
    made = make_embedder(found, {"EMBED_KEY": KEY})
    assert made is not None and made.name == "https://api.example.com/v1 small"
    assert KEY not in made.name and KEY not in (tmp_path / "config.toml").read_text()
    with pytest.raises(UsageError):
        set_value(tmp_path, "evolve.embeddings_key_env", KEY)


@pytest.mark.parametrize(
    ("changes", "environ", "says"),
    [
        ({"embeddings_model": ""}, {}, "No model"),
        ({"embeddings_key_env": "K"}, {}, "missing"),
        ({"embeddings_key_env": "K"}, {"K": " "}, "missing"),
        ({"embeddings_key_env": "K"}, {"K": "a\nb"}, "no key"),
        ({"embeddings": "http://host:99999/v1"}, {}, "no URL"),
        ({"embeddings": "http://[bad"}, {}, "no URL"),
        ({"embeddings": "local", "embeddings_model": "other"}, {}, "no local embedding model"),
    ],
)
def test_what_is_missing_is_told(changes: dict[str, str], environ: dict[str, str], says: str) -> None:
    asked = EvolveSettings(embeddings="http://127.0.0.1:1/v1", embeddings_model="m")
    with pytest.raises(UsageError, match=says) as caught:
        make_embedder(msgspec.structs.replace(asked, **changes), environ)
    assert caught.value.todo


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UsageError, match="not installed") as caught:
        make_embedder(EvolveSettings(embeddings="local"), {})
    assert "[embeddings]" in caught.value.todo


# --- the packaged model

packaged = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("wordllama", "tokenizers", "safetensors")),
    reason="the embeddings extra is not installed",
)


@packaged
def test_the_packaged_model_tells_requests_apart_in_english_and_chinese() -> None:
    made = make_embedder(EvolveSettings(embeddings="local"), {})
    assert made is not None and made.name.startswith("wordllama 0.4")
    texts = [
        *("Delete the newest email", "Remove the latest mail", "Plot total visits as a bar chart"),
        *("把代码提交到主分支", "将改动推送到 main 分支", "画一个柱状图"),
    ]
    rows = made.embed(texts)
    assert rows.dtype == np.float32 and np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    alike = rows @ rows.T
    assert alike[0, 1] > alike[0, 2] + 0.2
    assert alike[3, 4] > alike[3, 5] + 0.2


@packaged
def test_the_packaged_model_gives_a_text_the_same_vector_in_any_batch() -> None:
    model = StaticEmbedder.load()
    texts = [f"request number {i} about {'mail' * (i % 5)}" for i in range(700)] + [
        "",
        "\ud800 odd",
        "x" * 9000,
    ]
    rows = model.embed(texts)
    assert not rows[700].any()
    order = np.random.default_rng(1).permutation(len(texts))
    assert np.array_equal(model.embed([texts[i] for i in order]), rows[order])


@packaged
def test_a_damaged_package_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr("skillclaw.evolve.embeddings_local.find_spec", lambda name: Spec)
    with pytest.raises(BadInputError, match="cannot be read"):
        StaticEmbedder.load()


# --- cache


class Memory:
    def __init__(self) -> None:
        self.held: dict[bytes, bytes] = {}

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        return {k: self.held[k] for k in keys if k in self.held}

    def put_many(self, values: dict[bytes, bytes]) -> None:
        self.held.update(values)


class Counting:
    """Vectors from the text's code points; fails when asked for more than `most` texts."""

    name = "counting 1"

    def __init__(self, size: int = 4, most: int = 10**9) -> None:
        self.size = size
        self.most = most
        self.seen: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.seen += texts
        if len(self.seen) > self.most:
            raise StorageError("It failed.")
        rows = [np.random.default_rng([ord(c) for c in t]).normal(size=self.size) for t in texts]
        return unit_rows(np.array(rows, dtype=np.float32).reshape(len(texts), self.size))


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.text(st.sampled_from("ab 1"), max_size=4), max_size=12), st.data())
def test_the_cache_changes_no_vector_and_asks_once(texts: list[str], data: st.DataObject) -> None:
    store, first = Memory(), Counting()
    before = data.draw(st.lists(st.sampled_from(texts or [""])))
    CachedEmbedder(first, store).embed(before)
    rows = CachedEmbedder(first, store).embed(texts)
    alone = CachedEmbedder(Counting(), Memory()).embed(texts)
    assert np.array_equal(rows, alone)
    assert len(first.seen) == len(set(first.seen))
    if rows.size:
        assert np.allclose(
            rows, [Counting().embed([t])[0] if t.strip() else np.zeros(4) for t in texts], atol=1e-3
        )


def test_the_cache_keeps_half_floats_by_model_and_text() -> None:
    store = Memory()
    CachedEmbedder(Counting(), store).embed(["one"])
    assert set(store.held) == {cache_key("counting 1", "one")}
    assert cache_key("a", "b") != cache_key("b", "a")
    assert len(store.held[cache_key("counting 1", "one")]) == 2 * 4


@pytest.mark.parametrize("value", [b"", b"abc", b"\x00\x7e" * 4, b"\x00\x3c" * 3])
def test_a_damaged_value_is_made_anew(value: bytes) -> None:
    store, inner = Memory(), Counting()
    cached = CachedEmbedder(inner, store)
    rows = cached.embed(["one", "two", "three"])
    store.held[cache_key("counting 1", "two")] = value
    assert np.array_equal(cached.embed(["one", "two", "three"]), rows)
    assert inner.seen.count("two") == 2 and inner.seen.count("one") == 1


def test_what_was_embedded_before_a_failure_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skillclaw.evolve.embeddings.BATCH", 10)
    store = Memory()
    with pytest.raises(StorageError):
        CachedEmbedder(Counting(most=25), store).embed([f"text {i:02}" for i in range(40)])
    assert len(store.held) == 20


def test_a_model_that_changed_its_size_is_told() -> None:
    store = Memory()
    CachedEmbedder(Counting(4), store).embed(["one"])
    with pytest.raises(StorageError, match="another size"):
        CachedEmbedder(Counting(5), store).embed(["one", "two"])


def test_very_large_and_very_small_rows_get_length_one() -> None:
    rows = unit_rows(np.array([[3e38, 3e38], [1e-40, 0], [0, 0]], dtype=np.float32))
    assert np.allclose(np.linalg.norm(rows, axis=1), [1, 1, 0], atol=1e-6)


def test_the_key_is_read_from_the_environment_that_is_given() -> None:
    with api() as seen:
        asked = EvolveSettings(
            embeddings=seen.url + "/", embeddings_model="m", embeddings_key_env="EMBED_KEY"
        )
        made = make_embedder(asked, {**os.environ, "EMBED_KEY": f"{KEY}\n"})
        assert made is not None
        made.embed(["one"])
    assert seen.headers[0]["authorization"] == f"Bearer {KEY}"
    assert seen.paths == ["/v1/embeddings"]
