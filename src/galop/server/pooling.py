"""Prompts that are only read, for what a model holds at their end: a hidden state to embed with, or logits."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from galop.backends.events import Done, Failure
from galop.backends.protocol import GenerationRequest, TokenBackend
from galop.engine.sampling import Sampling
from galop.errors import ContextLengthError
from galop.ops.plan import Array
from galop.server.reply import in_background
from galop.server.request.prompts import encode_prompt

Take = Callable[[Array, Array], Any]


def encode_text(model: TokenBackend, text: str | list[int], empty: bool = False) -> list[int]:
    """Ids of a text and the token that ends it, in whose state the model has gathered what came before; `empty` lets
    a text be that token alone. Raises ApiError (400)."""
    end = model.tokenizer.id(model.tokenizer.eos_token)
    if empty and not text and end is not None:
        return [end]
    ids = encode_prompt(model, text, "input", control=False)
    return [*ids, end] if isinstance(text, str) and end is not None and ids[-1] != end else ids


def unit_vector(vector: Array, encoding: str | None) -> list[float] | str:
    """A vector at length 1, as numbers or, with the encoding base64, as the bytes of float32 in base64."""
    vector = vector / max(float(np.linalg.norm(vector)), 1e-12)
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    values: list[float] = vector.tolist()
    return values


async def embed_prompts(model: TokenBackend, prompts: list[list[int]], client: str) -> list[Array]:
    """A vector for each prompt: what an encoder makes of it, or a decoder's last hidden state. Raises what
    `prefill_prompts` raises."""
    generates = model.capabilities.generates
    return await prefill_prompts(
        model, prompts, client, lambda logits, hidden: (hidden if generates else logits).copy()
    )


async def prefill_prompts(model: TokenBackend, prompts: list[list[int]], client: str, take: Take) -> list[Any]:
    """What `take` makes of the logits and the hidden state, both float32, after each prompt.

    Raises ContextLengthError for a prompt that leaves no room, and the error of one that fails.
    """
    for ids in prompts:
        if len(ids) >= model.context + (not model.capabilities.generates):
            raise ContextLengthError(
                f"a text has {len(ids)} tokens and the context holds {model.context}",
                n_prompt_tokens=len(ids),
                n_ctx=model.context,
            )
    loop = asyncio.get_running_loop()
    results: list[Any] = [None] * len(prompts)

    async def read(i: int) -> None:
        end: asyncio.Future[Any] = loop.create_future()

        def settle(event: Done | Failure) -> None:
            if not end.done():
                end.set_result(event)

        def emit(event: Any) -> None:
            if isinstance(event, (Done, Failure)):
                loop.call_soon_threadsafe(settle, event)

        def keep(logits: Array, hidden: Array) -> None:
            results[i] = take(logits, hidden)

        request = GenerationRequest(
            prompts[i], Sampling(), max_tokens=0, client=client, on_prompt_end=keep, background=in_background.get()
        )
        completion = model.submit(request, emit)
        try:
            if isinstance(event := await end, Failure):
                raise event.error
        finally:
            completion.cancel()

    together = model.parallel
    for start in range(0, len(prompts), together):  # never more than may run at once, so none is refused for the queue
        tasks = [asyncio.ensure_future(read(i)) for i in range(start, min(start + together, len(prompts)))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
    return results
