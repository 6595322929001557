"""Ollama's interface, as its command line, its libraries and what is made with them use it."""

from __future__ import annotations

import json
import math
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving import Running, serving
from tiny import GOLDEN, write_gguf
from waiting import wait_for

from galop.server.dialects.ollama_models import describe_model, show_model
from galop.store import Source
from galop.store.model_info import get_info

MINI = "qwen3-mini:0.4m"  # it thinks
MOE = "qwen3-mini:moe"
BEFORE, AFTER = "def add(a, b):\n    return", "\n\nprint(add(1, 2))\n"
ASKED: Any = [{"role": "user", "content": "Compute 3 + 4."}]
GREEDY = {"temperature": 0, "num_predict": 32}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, smollm_path: Path) -> Iterator[Running]:
    with serving(MINI, "--context", "512", "--threads", "1", home=tmp_path_factory.mktemp("ollama")) as running:
        yield running


@pytest.fixture
def client(server: Running) -> Iterator[httpx2.Client]:
    with server.client() as client:
        yield client


def lines(reply: httpx2.Response) -> list[dict[str, Any]]:
    assert reply.status_code == 200, reply.text
    return [json.loads(line) for line in reply.text.splitlines()]


def refused(reply: httpx2.Response, status: int, *words: str) -> None:
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert isinstance(error, str) and all(word in error for word in words), error


def loaded(client: httpx2.Client) -> dict[str, Any]:
    return {m["name"]: m for m in client.get("/api/ps").json()["models"]}


def chat(client: httpx2.Client, **more: Any) -> httpx2.Response:
    return client.post("/api/chat", json={"model": MINI, "messages": ASKED, "options": GREEDY, "stream": False} | more)


def generate(client: httpx2.Client, **more: Any) -> httpx2.Response:
    return client.post("/api/generate", json={"model": MINI, "options": GREEDY, "stream": False} | more)


# ---- The command line, request by request (cmd/cmd.go, cmd/interactive.go and api/client.go of Ollama)

GO = {"Content-Type": "application/json", "Accept": "application/json",
      "User-Agent": "ollama/0.24.0 (amd64 linux) Go/go1.26"}  # fmt: skip


def test_the_command_line_lists(client: httpx2.Client) -> None:
    assert client.head("/", headers=GO).status_code == 200
    models = client.get("/api/tags", headers=GO).json()["models"]
    assert MINI in [m["name"] for m in models]
    for model in models:
        assert re.fullmatch("[0-9a-f]{12}", model["digest"][:12]) and len(model["digest"]) == 64
        assert model["size"] > 100_000 and datetime.fromisoformat(model["modified_at"]) < datetime.now(UTC)
    assert len({m["digest"] for m in models}) == len(models)


def test_the_command_line_shows(client: httpx2.Client) -> None:
    shown = client.post("/api/show", headers=GO, json={"model": "smollm2:135m:latest", "system": "", "template": "",
                                                       "verbose": False, "options": None, "name": ""}).json()  # fmt: skip
    info = shown["model_info"]
    architecture = info["general.architecture"]
    assert architecture == "llama" and info["general.parameter_count"] == 134_515_008
    assert (info[f"{architecture}.context_length"], info[f"{architecture}.embedding_length"]) == (8192, 576)
    assert info["tokenizer.ggml.model"] == "gpt2"
    assert "tokenizer.ggml.tokens" not in info and "tokenizer.chat_template" not in info
    assert shown["details"] == {
        "parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "134.52M",
        "quantization_level": "Q4_1", "context_length": 8192, "embedding_length": 576,
    }  # fmt: skip
    assert "<|im_start|>" in shown["template"] and shown["license"] == "Apache-2.0"
    assert dict(line.split() for line in shown["parameters"].splitlines()) == {"temperature": "0.2", "top_p": "0.9"}
    assert shown["capabilities"] == ["completion", "tools"]
    thinking = client.post("/api/show", json={"name": "QWEN3-mini:latest", "verbose": True}).json()
    assert thinking["capabilities"] == ["completion", "tools", "thinking"]  # and not embedding: that excludes talking
    assert len(thinking["model_info"]["tokenizer.ggml.tokens"]) == 512
    assert {"name": "token_embd.weight", "type": "Q8_0", "shape": [320, 512]} in thinking["tensors"]
    refused(client.post("/api/show", json={"model": "nope"}), 404, "model 'nope' not found")
    refused(client.post("/api/show", json={}), 400, "model is required")


def test_the_command_line_runs_and_stops(client: httpx2.Client) -> None:
    assert client.head("/", headers=GO).status_code == 200
    capabilities = client.post("/api/show", headers=GO, json={"model": MINI, "name": ""}).json()["capabilities"]
    assert "thinking" in capabilities and "embedding" not in capabilities
    # Interactive: an empty request loads it.
    empty = {"model": MINI, "prompt": "", "suffix": "", "system": "", "template": "", "options": None, "think": True}
    [load] = lines(client.post("/api/generate", headers=GO, json=empty))
    assert load["done"] and load["done_reason"] == "load" and load["response"] == ""
    said = lines(client.post("/api/chat", headers=GO, json={
        "model": MINI, "messages": [{"role": "user", "content": "Compute 3 + 4."}], "options": {}, "think": True,
    }))  # fmt: skip
    assert said[-1]["done_reason"] == "stop" and said[-1]["total_duration"] > 0
    assert [line["done"] for line in said] == [False] * (len(said) - 1) + [True]
    assert "".join(line["message"].get("thinking", "") for line in said)
    assert "".join(line["message"]["content"] for line in said)
    [there] = [m for name, m in loaded(client).items() if name == MINI]
    assert re.fullmatch("[0-9a-f]{12}", there["digest"][:12]) and there["size"] > 0 and there["size_vram"] == 0
    assert there["context_length"] == 512 and datetime.fromisoformat(there["expires_at"]) > datetime.now(UTC)
    # `ollama run MODEL QUESTION` generates.
    once = lines(client.post("/api/generate", headers=GO, json={**empty, "prompt": "Compute 3 + 4.", "options": {}}))
    assert "".join(line["response"] for line in once) and once[-1]["context"]
    # `ollama stop` shows and then unloads.
    [stopped] = lines(client.post("/api/generate", headers=GO, json={**empty, "keep_alive": "0s"}))
    assert stopped["done_reason"] == "unload"
    assert MINI not in loaded(client)


def test_the_command_line_pulls(client: httpx2.Client) -> None:
    request = {"model": "", "insecure": False, "username": "", "password": "", "name": "qwen3-mini"}
    steps = lines(client.post("/api/pull", headers=GO, json=request))
    assert steps[-1] == {"status": "success"}
    [layer] = [s for s in steps if "digest" in s]
    assert re.fullmatch("sha256:[0-9a-f]{64}", layer["digest"]) and layer["completed"] == layer["total"] > 0
    assert client.post("/api/pull", json={"model": MINI, "stream": False}).json() == {"status": "success"}
    # `ollama run` of a model that is not here asks for it to be pulled: a request downloads nothing.
    refused(
        client.post("/api/pull", headers=GO, json={**request, "name": "qwen3:0.6b"}), 404, "not found", "galop pull"
    )


def test_a_request_changes_no_model(client: httpx2.Client) -> None:
    digest = "sha256:" + "0" * 64
    for method, path, body, word in (
        ("DELETE", "/api/delete", {"model": MINI}, "galop rm"), ("POST", "/api/push", {"name": MINI}, "nowhere"),
        ("POST", "/api/create", {"model": "mine", "from": MINI, "system": "Be brief."}, "makes no models"),
        ("POST", "/api/copy", {"source": MINI, "destination": "mine"}, "no other names"),
        ("POST", f"/api/blobs/{digest}", {}, "no files"),
    ):  # fmt: skip
        refused(client.request(method, path, json=body), 403, word)
    refused(client.request("DELETE", "/api/delete", json={"name": "nope"}), 404, "not found")
    refused(client.post("/api/copy", json={"source": "nope", "destination": "x"}), 404, "not found")
    assert client.head(f"/api/blobs/{digest}").status_code == 404
    refused(client.post("/api/anything", json={}), 404, "/api/anything")


def test_the_version_is_that_of_the_interface(client: httpx2.Client) -> None:
    told = client.get("/api/version").json()
    assert tuple(map(int, told["version"].split("."))) >= (0, 13, 4)  # what Codex asks for
    assert told["galop"] and client.head("/api/version").status_code == 200
    assert client.head("/api/tags").status_code == 200


# ---- Bodies that are not called JSON


@pytest.mark.parametrize("kind", [None, "application/x-www-form-urlencoded", "text/plain; charset=utf-8"])
@pytest.mark.parametrize(
    ("sent", "taken"),
    [({}, True), ({"sec-fetch-site": "same-origin"}, True), ({"sec-fetch-site": "none"}, True),
     ({"origin": "http://127.0.0.1:PORT"}, True), ({"referer": "http://127.0.0.1:PORT/"}, True),
     ({"origin": "http://localhost:3000"}, False), ({"origin": "null"}, False),
     ({"sec-fetch-site": "cross-site"}, False), ({"sec-fetch-site": "same-site"}, False),
     ({"referer": "https://evil.com/page"}, False), ({"referer": "http://["}, False)],
)  # fmt: skip
def test_who_may_leave_out_the_content_type(
    server: Running, client: httpx2.Client, kind: str | None, sent: dict[str, str], taken: bool
) -> None:
    headers = {name: value.replace("PORT", str(server.port)) for name, value in sent.items()}
    body = json.dumps({"model": MINI, "prompt": "hi", "options": {"num_predict": 1}, "stream": False}).encode()
    reply = client.post("/api/generate", content=body, headers=headers | ({"content-type": kind} if kind else {}))
    assert reply.status_code == (200 if taken else 403), reply.text


def test_a_body_without_a_type_has_to_be_json_all_the_same(client: httpx2.Client) -> None:
    refused(client.post("/api/chat", content=b"model=a&prompt=b"), 400, "not valid JSON")
    refused(client.post("/api/chat", content=b""), 400, "JSON")
    reply = client.post("/v1/chat/completions", content=json.dumps({"messages": ASKED, "max_tokens": 1}).encode())
    assert reply.status_code == 200


# ---- Embeddings


def test_embed(client: httpx2.Client) -> None:
    one = client.post("/api/embed", json={"model": MINI, "input": "Why is the sky blue?"}).json()
    two = client.post("/api/embed", json={"model": MINI, "input": ["Why is the sky blue?", "b"], "options": {},
                                          "keep_alive": "5m", "truncate": True}).json()  # fmt: skip
    assert one["embeddings"][0] == pytest.approx(two["embeddings"][0], abs=1e-5) and len(two["embeddings"]) == 2
    assert math.hypot(*one["embeddings"][0]) == pytest.approx(1)
    assert one["model"] == MINI and one["total_duration"] > 0 and one["load_duration"] >= 0
    assert 0 < one["prompt_eval_count"] < two["prompt_eval_count"]
    short = client.post("/api/embed", json={"model": MINI, "input": "b", "dimensions": 8}).json()["embeddings"][0]
    assert len(short) == 8 and math.hypot(*short) == pytest.approx(1)
    wide = client.post("/api/embed", json={"model": MINI, "input": "b", "dimensions": 100_000}).json()
    assert len(wide["embeddings"][0]) == 96  # no more than there are
    old = client.post("/api/embeddings", json={"model": MINI, "prompt": "Why is the sky blue?"}).json()
    assert old["embedding"] == pytest.approx(one["embeddings"][0], abs=1e-5)


def test_an_empty_text_among_others_has_a_vector_too(client: httpx2.Client) -> None:
    made = client.post("/api/embed", json={"model": MINI, "input": ["a", "", "b"]}).json()["embeddings"]
    alone = client.post("/api/embed", json={"model": MINI, "input": ["b"]}).json()["embeddings"]
    assert [math.hypot(*v) for v in made] == pytest.approx([1, 1, 1]) and made[2] == pytest.approx(alone[0], abs=1e-5)


def test_embedding_nothing_loads_the_model(client: httpx2.Client) -> None:
    for nothing in ("", [], None):
        assert client.post("/api/embed", json={"model": MINI, "input": nothing}).json()["embeddings"] == []
    assert client.post("/api/embeddings", json={"model": MINI, "prompt": ""}).json() == {"embedding": []}
    assert MINI in loaded(client)


def test_a_text_too_long_to_embed_loses_its_end_or_is_refused(client: httpx2.Client) -> None:
    long = "3 + 4 " * 400
    kept = client.post("/api/embed", json={"model": MINI, "input": long}).json()
    assert kept["prompt_eval_count"] == 511
    refused(client.post("/api/embed", json={"model": MINI, "input": long, "truncate": False}), 400, "context")
    refused(client.post("/api/embed", json={"model": MINI, "input": [1, 2]}), 400, "input")
    refused(client.post("/api/embed", json={"model": "nope", "input": "a"}), 404, "not found")


# ---- What a request may say


@pytest.mark.parametrize(
    "options",
    [{"top_k": -1}, {"temperature": 3}, {"temperature": -1}, {"stop": ["a", "b", "c", "d", "e", "f", ""]}, {"stop": "z"},
     {"num_predict": 4.0}, {"num_predict": -1}, {"num_predict": -2}, {"seed": 42.0}, {"seed": -1}, {"top_k": 20.0},
     {"top_p": 0}, {"top_p": 1.5}, {"min_p": 0.05}, {"repeat_penalty": 1.1, "repeat_last_n": 0}, {"presence_penalty": 3},
     {"frequency_penalty": -2.5}, {"num_ctx": 131_072}, {"num_ctx": 2048.0}, {"num_keep": 4, "num_gpu": 99}, {"typical_p": 1},
     {"mirostat": 0, "tfs_z": 1.0, "penalize_newline": True, "num_thread": 8, "use_mmap": None}, {"never": "heard"}, None],
)  # fmt: skip
def test_options_in_ollamas_ranges(client: httpx2.Client, options: dict[str, Any] | None) -> None:
    answer = chat(client, options=options and {"num_predict": 8} | options, think=False)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("options", "name"),
    [({"typical_p": 0.7}, "options.typical_p"), ({"temperature": "hot"}, "options.temperature"), ({"stop": [1]}, "options.stop"),
     ({"top_k": True}, "options.top_k"), ({"repeat_penalty": 0}, "options.repeat_penalty")],
)  # fmt: skip
def test_options_that_are_refused_by_name(client: httpx2.Client, options: dict[str, Any], name: str) -> None:
    refused(chat(client, options=options), 400, name)


def test_a_seed_repeats_an_answer_and_minus_one_does_not_fix_it(client: httpx2.Client) -> None:
    def story(seed: int) -> str:
        options = {"seed": seed, "temperature": 2, "num_predict": 24}
        return str(generate(client, prompt="1 2 3", raw=True, options=options).json()["response"])

    assert story(7) == story(7)
    assert len({story(-1) for _ in range(4)}) > 1


def test_more_stops_than_four(client: httpx2.Client) -> None:
    whole = generate(client, prompt="1 2 3", raw=True).json()["response"]
    stops = ["~", "^", "|", "#", whole[2:4]]
    cut = generate(client, prompt="1 2 3", raw=True, options=GREEDY | {"stop": stops}).json()
    assert cut["response"] == whole[: whole.find(whole[2:4])] and cut["done_reason"] == "stop"


def test_images_are_refused_by_a_model_that_sees_none(client: httpx2.Client) -> None:
    image = {"role": "user", "content": "What is this?", "images": ["iVBORw0KGgo="]}
    refused(chat(client, messages=[*ASKED, image]), 400, "sees no pictures")
    refused(generate(client, prompt="hi", images=["iVBORw0KGgo="]), 400, "sees no pictures")
    refused(generate(client, prompt="hi", raw=True, images=["iVBORw0KGgo="]), 400, "leave out raw")
    assert chat(client, messages=[{**ASKED[0], "images": []}]).status_code == 200
    assert generate(client, prompt="Compute 3 + 4.", images=[]).status_code == 200


def test_thinking(client: httpx2.Client) -> None:
    for think in (None, True, "low", "high"):
        message = chat(client, think=think).json()["message"]
        assert message["thinking"] and message["content"] and "<think>" not in message["content"]
    assert "thinking" not in chat(client, think=False).json()["message"]
    assert generate(client, prompt="Compute 3 + 4.", think=True).json()["thinking"]
    refused(chat(client, think="enormous"), 400, "think")
    told = chat(client, model="smollm2:135m", think=True)
    refused(told, 400, '"smollm2:135m" does not support thinking')
    assert chat(client, model="smollm2:135m", think=False, options={"num_predict": 1}).status_code == 200
    client.post("/api/generate", json={"model": "smollm2:135m", "keep_alive": 0})


def test_log_probabilities(client: httpx2.Client) -> None:
    whole = chat(client, logprobs=True, top_logprobs=2).json()
    entries = whole["logprobs"]
    assert all(len(e["top_logprobs"]) == 2 and e["logprob"] <= 0 and bytes(e["bytes"]).decode() for e in entries)
    streamed = lines(chat(client, logprobs=True, stream=True))
    tokens = [e for line in streamed for e in line.get("logprobs", [])]
    assert [e["token"] for e in tokens] == [e["token"] for e in entries] and "top_logprobs" not in tokens[0]
    assert "logprobs" not in chat(client).json()
    said = generate(client, prompt="1 + 1 =", raw=True, logprobs=True).json()
    assert "".join(e["token"] for e in said["logprobs"]) == said["response"]
    refused(chat(client, logprobs=True, top_logprobs=21), 400, "top_logprobs")


def test_tools_and_what_they_said(client: httpx2.Client) -> None:
    """A history in Ollama's shape: arguments as objects, results by the tool's name; `type` may be left out."""
    called = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Rome"}}}],
    }
    for result in (
        {"role": "tool", "tool_name": "weather", "content": "sunny"},
        {"role": "Tool", "tool_call_id": "call_1", "content": "sunny"},
    ):
        messages = [*ASKED, called, result]
        tools = [{"function": WEATHER["function"]}, {**WEATHER, "function": {"name": "now", "description": ""}}]
        assert chat(client, messages=messages, tools=tools).json()["done"]
    refused(chat(client, messages=[{"role": "nobody", "content": "a"}]), 400, "role")


def test_what_belongs_between_two_texts(client: httpx2.Client) -> None:
    """Models without the tokens for it say so; one that has them is asked in test_ollama_fills_in_the_middle."""
    assert "insert" not in client.post("/api/show", json={"model": MINI}).json()["capabilities"]
    refused(generate(client, prompt="def add(a, b):", suffix="    return c"), 400, "fill in the middle")


@pytest.mark.large
def test_ollama_fills_in_the_middle(client: httpx2.Client, coder_path: Path) -> None:
    model = "qwen2.5-coder:0.5b"
    assert "insert" in client.post("/api/show", json={"model": model}).json()["capabilities"]
    said = generate(client, model=model, prompt=BEFORE, suffix=AFTER, keep_alive=0)
    assert said.json()["response"].startswith(" a + b") and "context" not in said.json()


def test_a_last_turn_of_the_assistants_is_continued(client: httpx2.Client) -> None:
    messages = [*ASKED, {"role": "assistant", "content": "The answer is"}]
    whole = chat(client, messages=messages, think=False).json()
    assert whole["prompt_eval_count"] > chat(client, think=False).json()["prompt_eval_count"]
    assert not whole["message"]["content"].startswith("The answer")


def test_structured_answers(client: httpx2.Client) -> None:
    schema = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
    for form in (schema, "json"):
        said = chat(client, format=form, options=GREEDY | {"num_predict": 200})
        assert said.json()["done_reason"] == "length" or isinstance(json.loads(said.json()["message"]["content"]), dict)
    assert chat(client, format="").status_code == 200
    refused(chat(client, format="yaml"), 400, "format")


def test_a_context_goes_on_from_an_earlier_answer(client: httpx2.Client) -> None:
    first = generate(client, prompt="Compute 3 + 4.").json()
    second = generate(client, prompt="Compute 5 + 6.", context=first["context"]).json()
    assert second["prompt_eval_count"] > len(first["context"])
    assert second["context"][: len(first["context"])] == first["context"]
    assert generate(client, prompt="Compute 3 + 4.", context=[]).json()["response"] == first["response"]
    refused(generate(client, prompt="a", context=[10**9]), 400, "token ids")
    refused(generate(client, prompt="a", raw=True, system="b"), 400, "raw mode does not support")
    refused(generate(client, prompt="a", template="{{ .Prompt }}"), 400, "template")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5m", 300), ("1h30m", 5400), (300, 300), (1.5e3, 1500), ("3600", 3600), ("90s", 90),
     (-1, math.inf), ("-1m", math.inf), ("-1", math.inf), (1e300, math.inf)],
)  # fmt: skip
def test_how_long_a_model_is_kept(client: httpx2.Client, value: Any, seconds: float) -> None:
    before = time.time()
    assert generate(client, prompt="", keep_alive=value).json()["done_reason"] == "load"
    end = datetime.fromisoformat(loaded(client)[MINI]["expires_at"]).timestamp()
    if seconds == math.inf:
        assert end > before + 10**9
    else:
        assert before + seconds - 1e-3 <= end <= time.time() + seconds


def test_keep_alive_nought_unloads_after_the_answer(client: httpx2.Client) -> None:
    for nought in (0, "0", "0s", 0.0, "0m"):
        assert generate(client, model=MOE, prompt="Compute 3 + 4.", keep_alive=nought).json()["response"]
        assert MOE not in loaded(client)
    assert generate(client, model=MOE, prompt="").json()["done_reason"] == "load"
    assert MOE in loaded(client)
    assert chat(client, model=MOE, messages=[], keep_alive=0).json()["done_reason"] == "unload"
    assert MOE not in loaded(client)
    # What is not loaded is not loaded to be unloaded.
    assert chat(client, model=MOE, messages=None, keep_alive=0).json()["done_reason"] == "unload"
    for nonsense in ("5x", "", "m", True, [1], "5m nonsense"):
        refused(generate(client, prompt="", keep_alive=nonsense), 400, "keep_alive")


def test_a_model_goes_when_its_time_is_over(client: httpx2.Client, server: Running) -> None:
    assert generate(client, model=MOE, prompt="Compute 3 + 4.", keep_alive="10ms").status_code == 200
    wait_for(lambda: MOE not in loaded(client), "the model to go")


def test_an_error_in_the_stream_is_a_line(client: httpx2.Client) -> None:
    refused(chat(client, stream=True, messages=[{"role": "user", "content": "3 + 4 " * 400}]), 400, "context")
    refused(client.post("/api/chat", content=b"{"), 400, "not valid JSON")


# ---- What files say of themselves


def listing(path: Path) -> dict[str, Any]:
    source = Source("mine", path)
    json.dumps(show_model(source, verbose=True), allow_nan=False)
    return {**describe_model(source, get_info(source)), "info": show_model(source, verbose=False)["model_info"]}


def test_what_a_directory_says(tmp_path: Path) -> None:
    path = tmp_path / "model"
    shutil.copytree(GOLDEN / "qwen3_moe", path)
    (path / "chat_template.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    (path / "tokenizer.json").write_text(
        '{"added_tokens": [{"content": "<fim_prefix>"}, {"content": "<fim_suffix>"}, {"content": "<fim_middle>"}]}'
    )
    said = listing(path)
    assert said["details"]["format"] == "safetensors" and said["details"]["quantization_level"] == "BF16"
    assert said["details"]["family"] == said["info"]["general.architecture"] == "qwen3moe"
    assert said["info"]["qwen3moe.block_count"] > 1 and said["details"]["context_length"] > 0
    assert said["info"]["general.parameter_count"] * 2 == pytest.approx(said["size"], rel=0.1)
    assert said["capabilities"] == ["completion", "tools", "insert"]
    digest = said["digest"]
    (path / "config.json").write_text((path / "config.json").read_text() + " ")
    assert re.fullmatch("[0-9a-f]{64}", digest) and listing(path)["digest"] != digest  # other files, another digest


@pytest.mark.parametrize(("case", "family"), [("llama", "llama"), ("qwen2", "qwen2"), ("qwen3", "qwen3")])
def test_what_a_gguf_file_says(tmp_path: Path, case: str, family: str) -> None:
    said = listing(write_gguf(tmp_path / "m.gguf", case, "Q8_0", general__file_type=7, general__nan=float("nan")))
    assert said["details"]["family"] == family and said["details"]["quantization_level"] == "Q8_0"
    assert said["capabilities"] == ["completion"]  # without a template it only goes on with a text
    embedding = listing(write_gguf(tmp_path / "e.gguf", case, **{f"{family}.pooling_type": 3}))
    assert embedding["capabilities"] == ["embedding"] and embedding["details"]["quantization_level"] == "F32"


def test_a_file_of_another_kind_is_listed_all_the_same(tmp_path: Path) -> None:
    broken = tmp_path / ("0123456789abcdef" * 4)
    for data in (b"", b"GGUF", b"GGUF" + bytes(60), b"PK\x03\x04" * 20):
        broken.write_bytes(data)
        said = listing(broken)
        assert said["digest"] == broken.name and said["size"] == len(data)  # as the hub's cache and Ollama name blobs
        assert said["details"]["family"] == "mine" and said["capabilities"] == ["completion"]
