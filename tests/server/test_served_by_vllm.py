"""A real vLLM behind the door: what holds for Galop's own engine holds for it. Skipped where vLLM is not installed.

`GALOP_VLLM` names its program (on PATH it is found); `GALOP_TEST_VLLM` the address of one that serves `smollm2:135m`
already, with guidance and 2,048 tokens, which saves its start.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
import test_extensions
import test_server
from serving import Running, serving

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(1800)]
MODEL = "smollm2:135m"
QUESTION: Any = [{"role": "user", "content": "Name three colours."}]
PROGRAM = os.environ.get("GALOP_VLLM") or shutil.which("vllm")
SMALL = {
    "VLLM_CPU_KVCACHE_SPACE": "1", "GALOP_VLLM_OPTIONS": "--enforce-eager --block-size 32",
    # after five minutes for a step vLLM gives itself up, which on a busy machine are over soon
    "VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS": "3600", "VLLM_ENGINE_READY_TIMEOUT_S": "3600",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, smollm_path: Path) -> Iterator[Running]:
    there = os.environ.get("GALOP_TEST_VLLM", "")
    if not (there or PROGRAM):
        pytest.skip("vLLM is not installed: neither GALOP_VLLM nor PATH has it")
    args = (MODEL, *([there] if there else []), "--backend", "vllm", "--context", "2048")
    with serving(*args, home=tmp_path_factory.mktemp("vllm"), env=SMALL) as running:
        running.seconds = 600  # vLLM's build for CPUs takes some seconds a token beside other programs
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def claude(server: Running) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as client:
        yield client


# The tests of Galop's own engine, with these fixtures.
test_logprobs_are_those_of_the_text = test_server.test_logprobs_are_those_of_the_text
test_responses_without_state = test_server.test_responses_without_state
test_messages_streamed_whole_and_counted = test_server.test_messages_streamed_whole_and_counted
test_ollama_lines = test_server.test_ollama_lines
test_curl = test_server.test_curl
test_tokens_there_and_back = test_server.test_tokens_there_and_back
test_text_of_a_user_never_becomes_a_control_token = test_server.test_text_of_a_user_never_becomes_a_control_token
test_some_of_the_tools_may_be_allowed = test_server.test_some_of_the_tools_may_be_allowed
test_tool_calls_in_every_dialect = test_server.test_tool_calls_in_every_dialect
test_arguments_of_a_call_stream_as_they_are_written = test_server.test_arguments_of_a_call_stream_as_they_are_written
test_response_formats_in_every_dialect = test_server.test_response_formats_in_every_dialect
test_seeds_choices_stops_and_penalties = test_server.test_seeds_choices_stops_and_penalties
test_refusals_are_taken_back = test_server.test_refusals_are_taken_back
test_forms_by_every_name = test_extensions.test_forms_by_every_name
test_what_cannot_be_followed_is_told_of_the_field_it_came_in = (
    test_extensions.test_what_cannot_be_followed_is_told_of_the_field_it_came_in
)
test_where_an_answer_ends = test_extensions.test_where_an_answer_ends
test_which_tokens_an_answer_has = test_extensions.test_which_tokens_an_answer_has
test_ranges_as_each_dialect_has_them = test_extensions.test_ranges_as_each_dialect_has_them
test_neutral_values_are_harmless = test_extensions.test_neutral_values_are_harmless
test_a_context_that_overflows_has_one_code = test_extensions.test_a_context_that_overflows_has_one_code


def test_what_vllm_cannot_do_is_refused_by_name(server: Running) -> None:
    vectors = server.post("/v1/embeddings", {"input": "a cat"})
    ranked = server.post("/v1/rerank", {"query": "cat", "documents": ["a", "b"]})
    for reply in (vectors, ranked):
        assert (
            reply.status_code == 400 and "makes no vectors and ranks nothing here" in reply.json()["error"]["message"]
        )


def test_a_prompt_longer_than_vllms_context_has_its_code(server: Running) -> None:
    reply = server.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "word " * 2100}]})
    error = reply.json()["error"]
    assert reply.status_code == 400 and error["code"] == "context_length_exceeded" and error["n_ctx"] == 2048


def test_a_vllm_that_dies_is_told(server: Running) -> None:
    """The last test: a stream that has begun ends with an error event, and the next request is told so."""
    if os.environ.get("GALOP_TEST_VLLM"):
        pytest.skip("the vLLM at GALOP_TEST_VLLM is not ours to kill")
    story = {"messages": [{"role": "user", "content": "Tell me a long story."}], "stream": True, "ignore_eos": True}
    with server.client() as client, client.stream("POST", "/v1/chat/completions", json=story, timeout=600) as reply:
        lines = (line for line in reply.iter_lines() if line.startswith("data:"))
        for _, _ in zip(range(3), lines, strict=False):
            pass
        for pid in descendants(server.process.pid):
            if b"vllm" in Path(f"/proc/{pid}/cmdline").read_bytes().lower():
                os.kill(pid, signal.SIGKILL)
        rest = list(lines)
    error = json.loads(rest[-1].removeprefix("data:"))["error"]
    assert error["code"] == "backend_unavailable" and "vLLM" in error["message"]
    reply = server.post("/v1/chat/completions", {"messages": QUESTION, "max_tokens": 1})
    assert reply.status_code == 503 and reply.json()["error"]["message"].startswith("vLLM ended with")


def descendants(pid: int) -> list[int]:
    """Processes that one has started, and those that they have."""
    found = [int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]
    return [*found, *(one for child in found for one in descendants(child))]
