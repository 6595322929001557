"""What the protocol of backends promises, kept by a model in memory and by one behind an interface."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engines import finish
from tiny import GOLDEN

from galop import Sampling
from galop.backends.events import Done, Text
from galop.backends.load import load_path
from galop.backends.protocol import Backend, Capabilities, GenerationRequest, TokenBackend, TokenRules
from galop.backends.registry import registry
from galop.backends.remote import Remote

REQUEST = GenerationRequest([1, 2, 3, 4], Sampling(), max_tokens=5, rules=TokenRules(ignore_eos=True))


def test_a_model_in_memory_shows_its_tokens() -> None:
    with load_path(GOLDEN / "qwen3", memory=4 << 30) as model:
        backend: TokenBackend = model
        can = backend.capabilities
        assert can.embedding_size == model.engine.hidden_size
        assert (backend.answered_by, backend.waited, backend.price) == ("", 0.0, None)
        events = list(backend.stream(REQUEST))
        done = events[-1]
        assert isinstance(done, Done) and (done.reason, done.prompt_tokens, done.answer_tokens) == ("length", 4, 5)
        # What is submitted is what is streamed, once somebody steps.
        emitted: list[object] = []
        completion = backend.submit(replace(REQUEST, logprobs=2, prompt_logprobs=1), emitted.append)
        assert backend.statistics().waiting == 1 and not completion.started
        finish(model.scheduler)
        texts = [[e.text for e in found if isinstance(e, Text)] for found in (events, emitted)]
        assert texts[0] == texts[1] and isinstance(emitted[-1], Done)
        assert completion.started and completion.limit == 5 and list(completion.tokens[:4]) == [1, 2, 3, 4]
        assert [score.token for score in completion.prompt_scores] == [2, 3, 4] and len(completion.tokens) == 9
        found = backend.statistics()
        assert (found.running, found.waiting, found.generated_tokens, found.kv_cache_usage) == (0, 0, 10, 0.0)


def test_what_is_cancelled_before_it_starts_costs_nothing() -> None:
    with load_path(GOLDEN / "qwen3", memory=4 << 30) as model:
        ends: list[object] = []
        completion = model.submit(REQUEST, ends.append)
        completion.cancel()
        finish(model.scheduler)
        assert [e.reason for e in ends if isinstance(e, Done)] == ["cancelled"]
        assert not completion.started and model.statistics().generated_tokens == 0


def test_a_model_behind_an_interface_says_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    for id, thinks in (("o3", True), ("a-model-nobody-knows", False)):
        backend: Backend = Remote(registry().vendors["openai"], id)
        assert backend.name == id and (backend.capabilities.thinking is not None) == thinks
        assert replace(backend.capabilities, thinking=None) == Capabilities(sees=True)
        backend.close()
