"""Raw prompts: several at once, how likely they were, and what belongs between two texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
from serving import Running, serving

from galop.backends.local import Model
from galop.tokenizers.fim import find_fim
from galop.tokenizers.tokenizer import Tokenizer

CODER = "qwen2.5-coder:0.5b"
BEFORE, AFTER = "def add(a, b):\n    return", "\n\nprint(add(1, 2))\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, smollm_path: Path, coder_path: Path) -> Iterator[Running]:
    with serving("smollm2:135m", CODER, "--context", "2048", home=tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_several_prompts_are_answered_as_each_alone(client: openai.OpenAI, smollm: Model) -> None:
    texts = ["One, two,", "Red, green,", "Monday,"]
    options: Any = {"model": "smollm2:135m", "temperature": 1.0, "seed": 7, "max_tokens": 6, "n": 2}
    alone = [c.text for text in texts for c in client.completions.create(prompt=text, **options).choices]
    for prompts in (texts, [smollm.encode(text) for text in texts]):
        together = client.completions.create(prompt=prompts, **options)
        assert [c.text for c in together.choices] == alone and [c.index for c in together.choices] == list(range(6))
        assert together.usage and together.usage.prompt_tokens == sum(len(smollm.encode(text)) for text in texts)
    streamed = [""] * 6
    for chunk in client.completions.create(prompt=texts, stream=True, **options):
        for choice in chunk.choices:
            streamed[choice.index] += choice.text
    assert streamed == alone
    with pytest.raises(openai.BadRequestError, match="more than 256"):
        client.completions.create(**{**options, "prompt": ["x"] * 200})


@pytest.mark.parametrize(
    ("text", "limit"),
    [("The capital of France is Paris.", 3), ("naïve 🐎 text", 3), ("a <|im_end|> b", 0), ("word " * 400, 0)],
)
def test_how_likely_a_prompt_was(text: str, limit: int, client: openai.OpenAI, smollm: Model) -> None:
    """As the model's own logits say; all characters of the text belong to a token."""
    options: Any = {"model": "smollm2:135m", "prompt": text, "temperature": 0, "max_tokens": limit}
    [choice] = client.completions.create(echo=True, logprobs=2, **options).choices
    ids = smollm.encode(text)
    rows = smollm.logits(ids[:-1]).astype(np.float64)
    rows -= rows.max(1, keepdims=True)
    expected = (rows - np.log(np.exp(rows).sum(1, keepdims=True)))[np.arange(len(rows)), ids[1:]]
    told = choice.logprobs
    assert told and told.token_logprobs and told.top_logprobs and told.text_offset and told.tokens
    assert told.token_logprobs[0] is None and told.top_logprobs[0] is None
    assert np.allclose(np.array(told.token_logprobs[1 : len(ids)], float), expected, atol=1e-4)
    assert len(told.tokens) == len(ids) + limit == len(told.text_offset)
    answer = client.completions.create(**options).choices[0].text if limit else ""
    assert choice.text == text + answer and choice.finish_reason == "length"
    assert told.text_offset[0] == 0 and told.text_offset == sorted(told.text_offset)
    for token, at in zip(told.tokens, told.text_offset, strict=True):
        assert token.startswith("bytes:") or choice.text[at:].startswith(token)
    for logprob, top in zip(told.token_logprobs[1:], told.top_logprobs[1:], strict=True):
        assert logprob in top.values() and len(top) in (2, 3)
    if limit == 0:
        return
    chunks = list(client.completions.create(echo=True, logprobs=2, stream=True, **options))
    assert "".join(c.choices[0].text for c in chunks) == choice.text
    streamed = [t for c in chunks if c.choices[0].logprobs for t in c.choices[0].logprobs.text_offset or []]
    assert streamed == told.text_offset


def test_what_belongs_between_two_texts(client: openai.OpenAI, server: Running) -> None:
    options: Any = {"model": CODER, "temperature": 0, "max_tokens": 24}
    middle = client.completions.create(prompt=BEFORE, suffix=AFTER, **options)
    assert middle.choices[0].text.startswith(" a + b") and middle.choices[0].finish_reason == "stop"
    written = f"<|fim_prefix|>{BEFORE}<|fim_suffix|>{AFTER}<|fim_middle|>"  # as clients that know the model do it
    by_hand = client.completions.create(prompt=written, **options)
    assert by_hand.choices[0] == middle.choices[0] and by_hand.usage and middle.usage
    assert by_hand.usage.prompt_tokens == middle.usage.prompt_tokens
    # Words in an editor's file are no control tokens.
    count = client.completions.create(prompt="x<|fim_middle|>", suffix="y", **{**options, "max_tokens": 1}).usage
    assert count and count.prompt_tokens > 5
    with pytest.raises(openai.BadRequestError, match="cannot fill in the middle"):
        client.completions.create(prompt=BEFORE, suffix=AFTER, model="smollm2:135m")


def test_a_stop_string_may_be_a_control_token(client: openai.OpenAI) -> None:
    options: Any = {"model": "smollm2:135m", "prompt": "Hello", "max_tokens": 8, "logit_bias": {"1": 100}}
    assert client.completions.create(**options).choices[0].finish_reason == "length"
    assert client.completions.create(stop=["<|im_start|>"], **options).choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["<fim_prefix>", "<fim_suffix>", "<fim_middle>"], ["<fim_prefix>", "b", "<fim_suffix>", "a", "<fim_middle>"]),
        (
            ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
            ["<｜fim▁begin｜>", "b", "<｜fim▁hole｜>", "a", "<｜fim▁end｜>"],
        ),
        (["[PREFIX]", "[SUFFIX]", "[MIDDLE]"], ["[SUFFIX]", "a", "[PREFIX]", "b"]),
        (["<p>", "<s>", "<m>"], ["<p>", "b", "<s>", "a", "<m>"]),
        (["<p>", "<s>"], None),
    ],
)
def test_every_family_in_its_own_order(names: list[str], order: list[str] | None) -> None:
    words = {word: i for i, word in enumerate(["a", "b", *names, "<|file_sep|>"])}
    added = [
        {"id": id, "content": word, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True}
        for word, id in words.items() if len(word) > 1
    ]  # fmt: skip

    description = {"version": "1.0", "added_tokens": added, "model": {"type": "BPE", "vocab": words, "merges": []}}
    tokenizer = Tokenizer(json.dumps(description))
    known = {key: words[name] for key, name in zip(("pre", "suf", "mid"), names, strict=False) if len(name) == 3}
    fim = find_fim(tokenizer, known)
    if order is None:
        assert fim is None
        return
    assert fim and fim.prompt([words["b"]], [words["a"]]) == [words[word] for word in order]
    assert words["<|file_sep|>"] in fim.ends and fim.matches(fim.prompt([0], [1])) and not fim.matches([0, 1])


FILE: Any = {"model": CODER, "input_prefix": "def add(a, b):\n    ", "prompt": "return", "input_suffix": AFTER,
             "temperature": 0, "n_predict": 24}  # fmt: skip


def streamed(server: Running, path: str, body: Any) -> list[Any]:
    with server.client() as client, client.stream("POST", path, json={**body, "stream": True}) as reply:
        return [json.loads(line[6:]) for line in reply.iter_lines() if line.startswith("data: ")]


def test_editors_have_the_middle_of_a_file_written(server: Running) -> None:
    """As llama.vim and llama.vscode ask llama-server."""
    plain = server.post("/infill", FILE).json()
    assert plain["content"].startswith(" a + b") and plain["stop"] and plain["stop_type"] == "eos"
    assert plain["prompt"] == f"<|fim_prefix|>def add(a, b):\n    return<|fim_suffix|>{AFTER}<|fim_middle|>"
    *pieces, last = streamed(server, "/infill", FILE)
    assert "".join(p["content"] for p in pieces) == plain["content"] and last["stop"] and not pieces[0]["stop"]
    vim = {
        **FILE, "input_extra": [{"filename": "util.py", "text": "def sub(a, b):\n    return a - b\n"}], "stop": [],
        "samplers": ["top_k", "top_p", "infill"], "top_k": 40, "top_p": 0.99, "cache_prompt": True, "id_slot": 0,
        "t_max_prompt_ms": 500, "t_max_predict_ms": 9000, "n_indent": 4, "stream": False,
        "response_fields": ["content", "timings/prompt_n", "tokens_cached", "truncated"],
    }  # fmt: skip
    asked = server.post("/infill", vim).json()
    assert asked.keys() == {"content", "timings/prompt_n", "tokens_cached", "truncated"}
    assert asked["content"] == " a + b"  # what follows is indented less
    prompt = server.post("/infill", {**vim, "response_fields": ["prompt"]}).json()["prompt"]
    assert (
        prompt.startswith("<|repo_name|>myproject\n<|file_sep|>util.py\ndef sub")
        and "<|file_sep|>filename\n<|fim" in prompt
    )
    # Of what does not fit the near is kept; a long answer is asked for, of which the first token is the end.
    long = {**FILE, "input_prefix": "x = 1; " * 300_000, "input_extra": [{"text": "y = 2; " * 100_000}] * 3}
    few = server.post(
        "/infill", {**long, "n_predict": 1900, "logit_bias": [["<|endoftext|>", 100], [151643, 100]]}
    ).json()
    assert 100 < few["tokens_evaluated"] <= 148 and "y = 2" in few["prompt"]
    assert server.post("/infill", {**FILE, "n_predict": 0}).json()["content"] == ""  # only reads, to be quick later


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"input_extra": [{"filename": "x"}]}, "input_extra[0].text"),
        ({"input_extra": [{"filename": 5, "text": "x"}]}, "input_extra[0].filename"),
        ({"input_prefix": None}, "input_prefix"), ({"model": "smollm2:135m"}, "input_prefix"),
        ({"samplers": ["magic"]}, "samplers[0]"), ({"n_indent": -1}, "n_indent"), ({"mirostat": 2}, "mirostat"),
    ],
)  # fmt: skip
def test_what_infill_refuses(changes: dict[str, Any], param: str, server: Running) -> None:
    reply = server.post("/infill", {**FILE, **changes})
    assert reply.status_code == 400 and reply.json()["error"]["param"] == param, reply.text


def test_completion_as_llama_server_has_it(server: Running, smollm: Model) -> None:
    body: Any = {"model": "smollm2:135m", "prompt": "One, two,", "n_predict": 6, "temperature": 0}
    one = server.post("/completion", {**body, "n_probs": 2, "return_tokens": True}).json()
    assert one["stop_type"] == "limit" and one["tokens_predicted"] == 6 == len(one["tokens"])
    assert smollm.tokenizer.decode(one["tokens"]) == one["content"]
    for token, told in zip(one["tokens"], one["completion_probabilities"], strict=True):
        assert told["id"] == token == told["top_logprobs"][0]["id"] and len(told["top_logprobs"]) == 2
    several = server.post("/completion", {**body, "prompt": ["One, two,", smollm.encode("Monday,")]}).json()
    assert several[0]["content"] == one["content"] and [a["index"] for a in several] == [0, 1]
    word = server.post("/completion", {**body, "stop": [one["content"][3:6]]}).json()
    assert word["stop_type"] == "word" and word["stopping_word"] == one["content"][3:6]
    assert word["content"] == one["content"][:3]
    assert "".join(p["content"] for p in streamed(server, "/completion", body)) == one["content"]
