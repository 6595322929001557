"""What other servers' dialects add to a request works here under the same name, or is refused by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from serving import Running, serving

from galop.backends.local import Model

USER: Any = [{"role": "user", "content": "Name three colours."}]
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, smollm_path: Path) -> Iterator[Running]:
    with serving("smollm2:135m", "--context", "1024", home=tmp_path_factory.mktemp("server")) as running:
        yield running


def said(server: Running, path: str = CHAT, **fields: Any) -> tuple[str, str]:
    body = {"temperature": 0, "max_tokens": 24, **({"messages": USER} if path == CHAT else {"prompt": "One, two,"})}
    reply = server.post(path, {**body, **fields})
    assert reply.status_code == 200, reply.text
    [choice] = reply.json()["choices"]
    return choice["text"] if path == TEXT else choice["message"]["content"], choice["finish_reason"]


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"],
          "additionalProperties": False}  # fmt: skip
GBNF = 'root ::= "yes" | "no" digit\ndigit ::= [0-9]'


@pytest.mark.parametrize("path", [CHAT, TEXT])
def test_forms_by_every_name(path: str, server: Running) -> None:
    for fields in (
        {"guided_json": SCHEMA}, {"guided_json": json.dumps(SCHEMA)}, {"structured_outputs": {"json": SCHEMA}},
        {"json_schema": SCHEMA},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}},
    ):  # fmt: skip
        assert set(json.loads(said(server, path, max_tokens=64, **fields)[0])) == {"n"}, fields
    options = ["(a.b)", "x|y", "naïve\n"]
    for fields in ({"guided_choice": options}, {"structured_outputs": {"choice": options}}):
        assert said(server, path, **fields)[0] in options
    for fields in ({"guided_regex": "[A-F]{4}"}, {"structured_outputs": {"regex": "[A-F]{4}"}}):
        text = said(server, path, **fields)[0]
        assert len(text) == 4 and set(text) <= set("ABCDEF")
    for fields in ({"guided_grammar": GBNF}, {"structured_outputs": {"grammar": GBNF}}, {"grammar": GBNF},
                   {"guided_grammar": 'start: "yes" | "no" /[0-9]/'}):  # fmt: skip
        text = said(server, path, **fields)[0]
        assert text == "yes" or (text[:2] == "no" and text[2:].isdigit()), fields


@pytest.mark.parametrize("field", [
    {"guided_json": "{"}, {"guided_json": {"not": {}}}, {"guided_regex": "("}, {"json_schema": "["},
    {"structured_outputs": {"regex": "("}}, {"guided_grammar": "start: ("},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"not": {}}}}},
])  # fmt: skip
def test_what_cannot_be_followed_is_told_of_the_field_it_came_in(field: dict[str, Any], server: Running) -> None:
    for path in (CHAT, TEXT):
        reply = server.post(path, {"messages": USER, "prompt": "a", **field})
        [name] = field
        param = f"{name}.regex" if name == "structured_outputs" else name
        assert reply.status_code == 400 and reply.json()["error"]["param"] == param, reply.text


def test_where_an_answer_ends(server: Running, smollm: Model) -> None:
    end = smollm.tokenizer.id("<|im_end|>")
    text, reason = said(server, max_tokens=200)
    assert reason == "stop"
    longer, _ = said(server, max_tokens=200, min_tokens=len(smollm.tokenizer.encode(text)) + 20)
    assert longer.startswith(text) and len(longer) > len(text)
    endless, reason = said(server, max_tokens=150, ignore_eos=True)
    assert reason == "length" and endless.startswith(text) and len(endless) > len(text)
    first = smollm.tokenizer.encode(text)[4]
    cut, reason = said(server, max_tokens=200, stop_token_ids=[first])
    assert reason == "stop" and text.startswith(cut) and len(cut) < len(text)
    stop = text[5:9]
    assert said(server, stop=stop)[0] == text[: text.index(stop)]
    assert said(server, stop=stop, include_stop_str_in_output=True)[0] == text[: text.index(stop) + 4]
    assert said(server, TEXT, prompt="Hello", logit_bias={str(end): 100}, max_tokens=3, ignore_eos=True)[1] == "length"


def test_which_tokens_an_answer_has(server: Running, smollm: Model) -> None:
    text, _ = said(server)
    encode = smollm.tokenizer.encode
    few = encode("abc")
    allowed, _ = said(server, allowed_token_ids=few, max_tokens=6)
    assert allowed and set(encode(allowed)) <= set(few)
    word = text.split()[1].strip(".,")
    assert word in text and word not in said(server, bad_words=[word])[0]
    several = " ".join(text.split()[1:3]).strip(".,")
    assert several in text and several not in said(server, bad_words=[several])[0]
    first = encode(text)[0]
    for bias in ([[first, False]], [[first, -100]], {str(first): -100}, {str(first): False}):
        assert encode(said(server, logit_bias=bias)[0])[0] != first
    assert said(server, logit_bias=[["zebra", 100]], max_tokens=3)[0] != said(server, max_tokens=3)[0]
    assert "<|im_start|>" in said(server, TEXT, skip_special_tokens=False, logit_bias={"1": 100}, max_tokens=2)[0]


def test_ranges_as_each_dialect_has_them(server: Running) -> None:
    assert said(server, top_k=-1) == said(server, top_k=0) == said(server, top_k=None)
    assert said(server, max_tokens=-1)[1] == "stop" and said(server, n_predict=3)[1] == "length"
    assert said(server, TEXT, max_tokens=-1, stop="five")[1] in ("stop", "length")
    for seed in (-1, None):
        assert len({said(server, temperature=1.5, seed=seed, max_tokens=12)[0] for _ in range(4)}) > 1
    assert said(server, TEXT, stop=["<file_sep>", "\n\n", "```", "</code>", "/src/", "zz"])
    short = server.post(TEXT, {"prompt": "a b c d e f", "truncate_prompt_tokens": 2, "max_tokens": 1}).json()
    assert short["usage"]["prompt_tokens"] == 2
    long = {"prompt": "word " * 3000, "truncate_prompt_tokens": -1, "max_tokens": 1}
    assert server.post(TEXT, long).json()["usage"]["prompt_tokens"] == server.context() - 1


HARMLESS: dict[str, Any] = {
    "min_tokens": 0, "ignore_eos": False, "stop_token_ids": [], "bad_words": [], "logits_processors": None,
    "prompt_logprobs": None, "length_penalty": 1.0, "use_beam_search": False, "priority": 0, "mirostat": 0,
    "typical_p": 1.0, "dry_multiplier": 0.0, "xtc_probability": 0.0, "dynatemp_range": 0.0, "n_probs": 0,
    "t_max_predict_ms": -1, "cache_prompt": True, "id_slot": -1, "skip_special_tokens": True, "grammar": "",
    "lora": [], "add_special_tokens": True, "spaces_between_special_tokens": True, "reasoning_format": "auto",
    "guided_json": None, "structured_outputs": None, "xtc_threshold": 0.1, "dry_base": 1.75, "mirostat_tau": 5.0,
}  # fmt: skip
UNKNOWN: dict[str, Any] = {
    "prompt_logprobs": 1, "length_penalty": 0.5, "use_beam_search": True, "logits_processors": ["x"], "priority": 3,
    "mirostat": 2, "typical_p": 0.5, "dry_multiplier": 0.8, "xtc_probability": 0.5, "dynatemp_range": 0.5,
    "n_probs": 3, "samplers": ["top_k"], "t_max_predict_ms": 100, "lora": [{"id": 0}], "add_special_tokens": False,
    "top_n_sigma": 1.0, "reasoning_format": "none", "regex": "a+", "ebnf": "x", "best_of_sequences": None,
    "cache_salt": "s", "documents": [{"text": "x"}], "do_sample": False, "no_repeat_ngram_size": 3, "cfg_scale": 2,
    "function_call": {"name": "f"}, "banned_tokens": ["x"], "repeat_last_n": 64, "image_data": [{"id": 1}],
}  # fmt: skip


def test_neutral_values_are_harmless(server: Running) -> None:
    plain = said(server)
    assert said(server, **HARMLESS) == plain
    assert said(server, TEXT, **HARMLESS) == said(server, TEXT)


@pytest.mark.parametrize("name", [name for name, value in UNKNOWN.items() if value is not None])
def test_what_would_change_an_answer_is_refused_by_name(name: str, server: Running) -> None:
    requests: list[tuple[str, dict[str, Any]]] = [
        (CHAT, {"messages": USER}), (TEXT, {"prompt": "x"}), ("/v1/responses", {"input": "x"}),
        ("/v1/messages", {"messages": USER, "max_tokens": 4}),
    ]  # fmt: skip
    for path, body in requests:
        reply = server.post(path, {**body, name: UNKNOWN[name]})
        assert reply.status_code == 400 and name in reply.json()["error"]["message"], (path, reply.text)


@pytest.mark.parametrize("name", ["guided_json", "guided_choice", "structured_outputs", "min_tokens", "ignore_eos"])
@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages"])
def test_what_works_elsewhere_is_refused_by_name(path: str, name: str, server: Running) -> None:
    value: Any = {"guided_choice": ["a"], "min_tokens": 3, "ignore_eos": True}.get(name, {"json": {}})
    body = {"input": "x"} if path == "/v1/responses" else {"messages": USER, "max_tokens": 4}
    reply = server.post(path, {**body, name: value})
    assert reply.status_code == 400 and name in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"guided_json": SCHEMA, "guided_regex": "a"}, "guided_regex"),
        ({"guided_json": {}, "response_format": {"type": "json_object"}}, "response_format"),
        ({"structured_outputs": {"structural_tag": "x"}}, "structured_outputs.structural_tag"),
        ({"structured_outputs": {"choice": []}}, "structured_outputs.choice"), ({"guided_choice": "a"}, "guided_choice"),
        ({"grammar": "root ::= ["}, "grammar"), ({"min_tokens": -1}, "min_tokens"), ({"ignore_eos": 1}, "ignore_eos"),
        ({"stop_token_ids": [1 << 30]}, "stop_token_ids"), ({"allowed_token_ids": []}, "allowed_token_ids"),
        ({"logit_bias": {"9" * 5000: 1}}, "logit_bias"), ({"logit_bias": {"\u0663": 1}}, "logit_bias"),
        ({"logit_bias": [[5, True]]}, "logit_bias"), ({"logit_bias": [[5, 1, 2]]}, "logit_bias"),
        ({"bad_words": [""]}, "bad_words[0]"), ({"top_k": -2}, "top_k"), ({"max_tokens": -2}, "max_tokens"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": 5}]}]},
         "messages[0].content[1].text"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": ["a"]}]}, "messages[0].content[0]"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"), ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tools": [{"type": "function", "function": {"name": 5}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "f", "description": d}} for d in "ab"]}, "tools"),
        ({"tools": [], "tool_choice": "required"}, "tool_choice"), ({"tool_choice": "required"}, "tool_choice"),
        ({"guided_json": {"not": {}}}, "guided_json"), ({"structured_outputs": {"regex": "("}}, "structured_outputs.regex"),
        ({"messages": [*USER, {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 5}}]}]},
         "messages[1].tool_calls[0].function.arguments"),
    ],
)  # fmt: skip
def test_the_field_at_fault_is_named(fields: dict[str, Any], param: str, server: Running) -> None:
    reply = server.post(CHAT, {"messages": USER, "max_tokens": 4, **fields})
    assert reply.status_code == 400 and reply.json()["error"]["param"] == param, reply.text


@pytest.mark.parametrize(
    ("prompt", "param"),
    [([1, "a"], "prompt[1]"), ([[1, 2], [3, "x"]], "prompt[1][1]"), (["a", 5], "prompt[1]")],
    ids=str,
)
def test_the_place_in_a_prompt_is_named(prompt: Any, param: str, server: Running) -> None:
    assert server.post(TEXT, {"prompt": prompt}).json()["error"]["param"] == param


@pytest.mark.parametrize("stream", [False, True])
def test_a_context_that_overflows_has_one_code(stream: bool, server: Running) -> None:
    context = server.context()
    long = "word " * 2 * context
    for path, body, param in (
        (CHAT, {"messages": [{"role": "user", "content": long}]}, "messages"), (TEXT, {"prompt": long}, "prompt"),
        (TEXT, {"prompt": ["x", long]}, "prompt"), ("/v1/responses", {"input": long}, "input"),
        ("/v1/embeddings", {"input": ["x", long]}, "input"),
        ("/v1/rerank", {"query": "x", "documents": [long]}, "documents"),
    ):  # fmt: skip
        reply = server.post(path, {**body, "stream": stream})
        error = reply.json()["error"]
        assert reply.status_code == 400 and error["code"] == "context_length_exceeded" and error["param"] == param
        assert error["n_prompt_tokens"] > error["n_ctx"] == context
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(model="smollm2:135m", messages=[{"role": "user", "content": long}])
        assert caught.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/v1/messages", {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}], "max_tokens": 1},
         "messages[0].content[0].text"),
        ("/v1/messages", {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a",
          "content": [{"type": "text", "text": 5}]}]}], "max_tokens": 1}, "messages[0].content[0].content[0].text"),
        ("/v1/messages", {"messages": USER, "max_tokens": 1, "system": [{"type": "text", "text": {}}]}, "system[0].text"),
        ("/v1/responses", {"input": [{"role": "user", "content": [{"type": "input_text", "text": 5}]}]},
         "input[0].content[0].text"),
        ("/v1/responses", {"input": [{"type": "function_call", "call_id": "a", "name": 5, "arguments": "{}"}]},
         "input[0].name"),
        ("/v1/embeddings", {"input": [1, "a"]}, "input[1]"),
        ("/api/chat", {"messages": USER, "options": {"stop": [1]}}, "options.stop[0]"),
        ("/api/chat", {"messages": USER, "tools": [{"type": "function", "function": {"name": 5}}]},
         "tools[0].function.name"),
        ("/tokenize", {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]},
         "messages[0].content[0].text"),
        ("/chat/completions", {"messages": 5}, "messages"),
    ],
)  # fmt: skip
def test_the_field_at_fault_is_named_in_every_dialect(path: str, body: Any, where: str, server: Running) -> None:
    reply = server.post(path, body)
    error = reply.json()["error"]
    assert reply.status_code == 400
    assert (error if isinstance(error, str) else error["message"]).startswith(f"{where}: ")
