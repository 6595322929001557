"""Keys: who gets in, to which models, for how many tokens; and that the interface is what its description says."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from serving import GOLDEN_QUESTION, Running, run_galop, serving
from waiting import wait_for
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from galop.server.api_keys import ApiKey, KeyFile, KeyFileError
from galop.server.rate_limit import RateLimiter
from galop.web.conversations import Conversations, StoredMessage

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def keys(home: Path) -> dict[str, str]:
    made = {
        "ann": run_galop(home, "keys", "add", "ann"),
        "bob": run_galop(home, "keys", "add", "bob", "--models", "smollm2:*", "--tokens-per-minute", "60"),
        "eve": run_galop(home, "keys", "add", "eve", "--models", "qwen3:*"),
        "pia": run_galop(home, "keys", "add", "pia", "--tier", "preview"),
    }
    assert all(result.returncode == 0 for result in made.values())
    return {name: result.stdout.strip() for name, result in made.items()}


@pytest.fixture(scope="module")
def server(home: Path, keys: dict[str, str], smollm_path: Path) -> Iterator[Running]:
    with serving("smollm2:135m", "--context", "1024", "--host", "0.0.0.0", home=home) as running:
        yield running


def key_file(home: Path) -> KeyFile:
    return KeyFile(home / "config" / "galop" / "keys.json")


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_keys_are_kept_hashed_and_shown_once(home: Path, keys: dict[str, str]) -> None:
    path = home / "config" / "galop" / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_text()
    assert not any(key in content for key in keys.values())
    assert len(set(keys.values())) == len(keys) and all(len(key) > 40 for key in keys.values())
    listed = json.loads(run_galop(home, "keys", "list", "--json").stdout)
    assert [row["name"] for row in listed] == list(keys) and listed[0]["ends_in"] == keys["ann"][-4:]
    again = run_galop(home, "keys", "add", "ann")
    assert again.returncode == 2 and "there is a key called ann already" in again.stderr
    for name in ("../x", "a b", "", "x" * 65):
        assert run_galop(home, "keys", "add", name).returncode == 2
    assert "no key is called zoe" in run_galop(home, "keys", "rm", "zoe").stderr


def test_the_sdk_gets_in_with_a_key_only(server: Running, keys: dict[str, str]) -> None:
    for key in ("wrong", keys["ann"][:-1], keys["ann"] + "x"):
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError) as error:
                client.models.list()
            assert error.value.body["code"] == "invalid_api_key"  # type: ignore[index]
            assert key not in str(error.value)
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=keys["ann"], max_retries=0) as client:
        assert "smollm2:135m" in [m.id for m in client.models.list()]


def test_headers_that_do_not_do(server: Running, keys: dict[str, str]) -> None:
    good = keys["ann"]
    bad: list[list[tuple[str, str]]] = [
        [], [("authorization", "")], [("authorization", "Bearer")], [("authorization", f"Basic {good}")],
        [("authorization", f"Bearer {good}"), ("x-api-key", good)], [("authorization", f"Bearer {good} x")],
        [("x-api-key", "a" * 10_000)], [("cookie", f"galop_session={good}")],
    ]  # fmt: skip
    with server.client() as client:
        for headers in bad:
            assert client.get("/v1/models", headers=headers).status_code == 401, headers
        assert "`X-Api-Key: KEY`" in client.get("/v1/models").json()["error"]["message"]
        assert client.get(f"/v1/models?key={good}&api_key={good}").status_code == 401
        odd = [(b"authorization", "Bearer schlüssel".encode())]
        assert client.get("/v1/models", headers=odd).status_code == 401
        for headers in ([("x-api-key", good)], [("authorization", f"bearer {good}")]):
            assert client.get("/v1/models", headers=headers).status_code == 200


def test_every_route_but_health_needs_a_key(server: Running, keys: dict[str, str]) -> None:
    with server.client() as client:
        described = client.get("/openapi.json", headers=bearer(keys["ann"])).json()
        paths = [p.replace("{name}", "x") for p in described["paths"]]
        assert len(paths) >= 17
        for path in [*paths, "/openapi.json", "/docs", "/nothing", "/static/../v1/models", "//v1/models"]:
            for method in ("GET", "POST"):
                status = client.request(method, path, json={} if method == "POST" else None).status_code
                allowed = path in ("/health", "/ready")
                assert status == 401 or (allowed and status in (200, 405)), (method, path, status)


def test_models_a_key_may_not_use_do_not_exist_for_it(server: Running, keys: dict[str, str]) -> None:
    with server.client() as client:
        assert client.get("/v1/models", headers=bearer(keys["eve"])).json()["data"] == []
        for key, status in (("eve", 404), ("ann", 200)):
            assert (
                client.post(
                    CHAT, json={**GOLDEN_QUESTION, "model": "smollm2:135m"}, headers=bearer(keys[key])
                ).status_code
                == status
            )


def test_tokens_per_minute(server: Running, keys: dict[str, str]) -> None:
    with server.client(headers=bearer(keys["bob"])) as client:
        assert client.post(CHAT, json=GOLDEN_QUESTION).status_code == 200
        replies = (client.post(CHAT, json=GOLDEN_QUESTION) for _ in range(20))
        reply = next(reply for reply in replies if reply.status_code != 200)
        assert reply.status_code == 429 and reply.json()["error"]["code"] == "rate_limit_exceeded"
        assert 1 <= int(reply.headers["retry-after"]) <= 60
    with server.client(headers=bearer(keys["ann"])) as client:  # others are not concerned
        assert client.post(CHAT, json=GOLDEN_QUESTION).status_code == 200


def test_one_key_does_not_see_what_another_asked(server: Running, keys: dict[str, str]) -> None:
    body = {**GOLDEN_QUESTION, "messages": [{"role": "user", "content": "A secret. " * 60}], "max_tokens": 2}
    cached = {}
    with server.client() as client:
        for name in ("ann", "pia", "ann"):
            usage = client.post(CHAT, json=body, headers=bearer(keys[name])).json()["usage"]
            cached[name] = usage["prompt_tokens_details"]["cached_tokens"]
            if name == "pia":
                assert cached["pia"] == 0
    assert cached["ann"] > 100


def test_a_removed_key_is_refused_from_the_next_request_on(server: Running, home: Path, keys: dict[str, str]) -> None:
    extra = run_galop(home, "keys", "add", "temp").stdout.strip()
    with server.client(headers=bearer(extra)) as client:
        assert client.get("/v1/models").status_code == 200
        assert run_galop(home, "keys", "rm", "temp").returncode == 0
        assert client.get("/v1/models").status_code == 401


def test_without_its_last_key_a_server_stays_closed(tmp_path: Path, smollm_path: Path) -> None:
    only = run_galop(tmp_path, "keys", "add", "only").stdout.strip()
    with serving("smollm2:135m", "--host", "0.0.0.0", home=tmp_path) as running, running.client() as client:
        assert client.get("/v1/models", headers=bearer(only)).status_code == 200
        assert run_galop(tmp_path, "keys", "rm", "only").returncode == 0
        for headers in ({}, bearer(only)):
            assert client.get("/v1/models", headers=headers).status_code == 401
        (tmp_path / "config" / "galop" / "keys.json").write_text("{")
        assert client.get("/v1/models").status_code in (401, 500)
        assert not any("Traceback" in line for line in running.log)


def test_tokens_of_a_stream_that_is_left_are_counted(tmp_path: Path, smollm_path: Path) -> None:
    key = run_galop(tmp_path, "keys", "add", "bob", "--tokens-per-minute", "90").stdout.strip()
    with serving("smollm2:135m", home=tmp_path) as running, running.client(headers=bearer(key)) as client:
        body = {**GOLDEN_QUESTION, "stream": True, "max_tokens": 500}
        with client.stream("POST", CHAT, json=body) as reply:
            lines = reply.iter_lines()
            next(lines)
        for _ in range(50):
            if int(client.post(CHAT, json=GOLDEN_QUESTION).headers.get("retry-after", 0)) > 2:
                break  # what the stream used is counted, and no longer held
            time.sleep(0.1)
        assert client.post(CHAT, json=GOLDEN_QUESTION).status_code == 429


def test_parallel_requests_stay_within_the_tokens_of_a_minute(home: Path, server: Running) -> None:
    """What a request may come to is held when it is admitted, and what it did not take is given back."""
    key = key_file(home).add("many", tokens_per_minute=200)
    used: list[int] = []
    waits: list[int] = []

    def ask(path: str, body: dict[str, Any]) -> httpx2.Response:
        reply = server.post(path, body, headers=bearer(key))
        if reply.status_code == 200:
            used.append(reply.json()["usage"]["total_tokens"])
        else:
            assert reply.json()["error"]["code"] == "rate_limit_exceeded", reply.text
            waits.append(int(reply.headers.get("retry-after", 0)))
        return reply

    question = {"messages": [{"role": "user", "content": "Count."}], "logit_bias": {"2": -100}}  # it goes on and on
    asked = []
    with ThreadPoolExecutor(12) as pool:
        for body in [
            {**question, "max_tokens": 20},
            {**question, "n": 3, "max_tokens": 30},
            question,
            {"input": "a b c"},
        ] * 3:
            asked.append(pool.submit(ask, CHAT if "messages" in body else "/v1/embeddings", body))
    assert {future.result().status_code for future in asked} == {200, 429}
    assert 0 < sum(used) <= 200 and waits and all(1 <= wait <= 60 for wait in waits)
    left = 200 - sum(used)
    if left > 70:  # an answer with no limit of its own is cut off where the minute's tokens end
        assert ask(CHAT, question).json()["choices"][0]["finish_reason"] == "length"
    assert ask("/tokenize", {"content": "a " * 150}).status_code == 429 and waits[-1] >= 1
    key = key_file(home).add("few", tokens_per_minute=200)
    assert ask("/v1/completions", {"prompt": [5] * 201}).status_code == 429 and waits[-1] == 0  # it never will


def test_tokens_held_for_a_stream_that_is_left_are_given_back(home: Path, server: Running) -> None:
    key = key_file(home).add("leaver", tokens_per_minute=500)
    with server.client(headers=bearer(key)) as client:
        with client.stream("POST", CHAT, json={**GOLDEN_QUESTION, "stream": True, "max_tokens": 500}) as reply:
            next(reply.iter_lines())

        def given_back() -> bool:
            last = client.post("/tokenize", json={"content": "a " * 300})
            assert last.status_code == 200 or last.headers["retry-after"] == "2"
            return last.status_code == 200

        wait_for(given_back, "the tokens to be given back")


def test_a_new_key_under_an_old_name_is_another_key(home: Path, server: Running) -> None:
    body = {**GOLDEN_QUESTION, "messages": [{"role": "user", "content": "My secret. " * 60}], "max_tokens": 1}
    for _ in range(2):
        key = key_file(home).add("again")
        usage = server.post(CHAT, body, headers=bearer(key)).json()["usage"]
        assert usage["prompt_tokens_details"]["cached_tokens"] == 0
        key_file(home).remove("again")


def test_conversations_kept_by_name_become_the_keys_once(tmp_path: Path) -> None:
    store = Conversations(tmp_path / "c.db")
    for owner in ("ann", "gone", ""):
        store.add(owner, store.begin(owner, f"of {owner}"), StoredMessage(0, None, 0, "user", "hello"))
        store.set(owner, "language", "fr")
    store.migrate_owners({"ann": "a1", "new": "n1"})
    assert [c.title for c in store.search("a1", "hello")] == ["of ann"] and store.setting("a1", "language") == "fr"
    assert [c.title for c in store.search("")] == ["of"] and not store.search("ann")
    store.migrate_owners({"gone": "g1"})  # somebody new, by an old name
    assert not store.search("g1") and not store.setting("g1", "language")
    store.close()


def test_an_open_page_ends_with_its_key(home: Path, server: Running) -> None:
    key = key_file(home).add("viewer")
    with server.client() as client:
        cookie = client.post("/login", data={"key": key}).headers["set-cookie"].split(";")[0]
        assert client.get("/", headers={"cookie": cookie}).status_code == 200
    url = f"ws://127.0.0.1:{server.port}/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    with connect(url, additional_headers={"cookie": cookie}, proxy=None) as socket:
        assert str(socket.recv()).startswith("0{")
        key_file(home).remove("viewer")
        with pytest.raises(ConnectionClosed) as closed:
            socket.send("40")
            socket.recv(timeout=10)
        assert closed.value.rcvd and closed.value.rcvd.code == 1008
    with pytest.raises(InvalidStatus):
        connect(url, additional_headers={"cookie": cookie}, proxy=None)


def test_an_allowed_origin_may_ask_from_its_pages(tmp_path: Path, smollm_path: Path) -> None:
    with serving("smollm2:135m", "--allow-origin", "https://example.org", home=tmp_path) as running:
        with running.client(headers={"origin": "https://example.org"}) as client:
            wanted = "authorization,content-type,x-stainless-lang,x-stainless-runtime"  # OpenAI's, of a page
            preflight = client.options(
                CHAT, headers={"access-control-request-method": "POST", "access-control-request-headers": wanted}
            )
            assert preflight.status_code == 204 and preflight.headers["access-control-allow-headers"] == wanted
            assert preflight.headers["access-control-allow-origin"] == "https://example.org"
            reply = client.post(CHAT, json=GOLDEN_QUESTION)
            assert reply.status_code == 200 and reply.headers["access-control-allow-origin"] == "https://example.org"
        with running.client(headers={"origin": "https://evil.org"}) as client:
            assert client.options(CHAT, headers={"access-control-request-method": "POST"}).status_code == 403


def test_no_key_is_ever_logged(server: Running, keys: dict[str, str]) -> None:
    assert not any(key in line for line in server.log for key in keys.values())


def test_previews_are_for_their_tier() -> None:
    key = ApiKey("a", "", "", models="qwen3:*, smollm2:135m")
    assert key.may_use("qwen3:8b") and key.may_use("smollm2:135m") and not key.may_use("llama3.1:8b")
    assert not key.may_use("qwen3:8b", preview=True)
    assert ApiKey("b", "", "", tier="preview").may_use("anything", preview=True)


def test_a_key_file_that_fails_to_be_written_keeps_the_old(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    keys.add("ann")
    before = keys.path.read_bytes()
    with pytest.raises(KeyFileError):
        keys.add("ann")
    assert keys.path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if not p.name.endswith(".lock")] == ["keys.json"]
    keys.path.write_text('[{"name": 1}]')
    with pytest.raises(KeyFileError, match="not a file of keys"):
        KeyFile(keys.path).keys()


def test_the_meter_lets_go_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    meter, key = RateLimiter(), ApiKey("a", "", "", tokens_per_minute=100)
    meter.charge(key, 60)
    now[0] += 10
    assert meter.wait(key) == 0
    meter.charge(key, 60)
    assert meter.wait(key) == 50
    now[0] += 51
    assert meter.wait(key) == 0
    assert meter.wait(ApiKey("b", "", "")) == 0


def test_the_interface_keeps_to_its_description(tmp_path: Path) -> None:
    """schemathesis makes requests from the OpenAPI description: none may be a server error. The smallest model answers,
    for thousands of them ask for as much as the context holds."""
    with serving("qwen3-mini:0.4m", "--context", "256", home=tmp_path) as running:
        command = [
            str(Path(sys.executable).parent / "schemathesis"), "run", f"{running.url}/openapi.json",
            "--checks", "not_a_server_error,status_code_conformance,content_type_conformance",
            "--max-examples", "5", "--seed", "7", "--request-timeout", "60", "--generation-database", "none",
            "--phases", "examples,coverage,fuzzing", "--no-color",
        ]  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path)
        assert result.returncode == 0, result.stdout[-6000:]
        assert running.post(CHAT, GOLDEN_QUESTION).json()["usage"]["completion_tokens"] > 0
        assert running.metric("kv_cache_usage_perc") == 0
        assert not any("Traceback" in line for line in running.log)
