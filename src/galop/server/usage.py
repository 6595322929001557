"""What a reply took, and how likely its tokens were, in the shapes that several dialects share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from galop.backends.events import Done, Text
from galop.backends.protocol import TokenBackend

LEAST_LOGPROB = -9999.0  # what stands for a log-probability that JSON cannot hold


def count_usage(prompts: Sequence[Sequence[int]], ends: Mapping[int, Done], choices: int) -> dict[str, Any]:
    """OpenAI's `usage` of a reply: the tokens of its prompts, and those of its `choices`, as far as they have ended."""
    prompt_tokens = sum(map(len, prompts))
    completion_tokens = sum(done.answer_tokens for done in ends.values())
    n = max(1, choices // len(prompts))
    cached = [
        min((done.cached_tokens for i, done in ends.items() if i // n == p), default=0) for p in range(len(prompts))
    ]
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": sum(cached)},
        "completion_tokens_details": {"reasoning_tokens": sum(done.thinking_tokens for done in ends.values())},
    }


def llama_timings(done: Done) -> dict[str, Any]:
    """llama-server's `timings` of a choice; times in milliseconds."""
    return {
        "cache_n": done.cached_tokens,
        "prompt_n": done.prompt_tokens - done.cached_tokens,
        "prompt_ms": round(1e3 * done.prompt_seconds, 3),
        "prompt_per_token_ms": round(1e3 / done.prompt_rate, 3) if done.prompt_rate else 0.0,
        "prompt_per_second": round(done.prompt_rate, 3),
        "predicted_n": done.answer_tokens,
        "predicted_ms": round(1e3 * done.answer_seconds, 3),
        "predicted_per_token_ms": round(1e3 / done.answer_rate, 3) if done.answer_rate else 0.0,
        "predicted_per_second": round(done.answer_rate, 3),
    }


def token_logprobs(model: TokenBackend, event: Text) -> list[dict[str, Any]]:
    """The `content` of OpenAI's logprobs: each token of a piece of text, with the likeliest others in its place."""

    def entry(token: int, logprob: float) -> dict[str, Any]:
        data = model.tokenizer.token_bytes(token)
        return {"token": data.decode("utf-8", "replace"), "logprob": max(logprob, LEAST_LOGPROB), "bytes": list(data)}

    return [
        {**entry(d.token, d.logprob or 0.0), "top_logprobs": [entry(t, p) for t, p in d.top_logprobs]}
        for d in event.drawn
    ]
