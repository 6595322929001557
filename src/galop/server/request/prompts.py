"""From texts and token ids to prompts a model can read, bounded before anything is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from galop.backends.protocol import TokenBackend
from galop.errors import EncoderError
from galop.server.errors import ApiError
from galop.tokenizers.fim import Fim

MOST_READ = 1 << 17  # tokens of a text that are counted exactly, whatever the context


def encode_prompt(model: TokenBackend, prompt: str | list[int], param: str, control: bool = True) -> list[int]:
    """Ids of a text, whose control tokens are meant where `control` says so, or the ids that were given.

    Raises ApiError (400), which names `param`, for an empty prompt and for ids the model does not have.
    """
    if isinstance(prompt, str):
        check_length(model, prompt, plain=not control)
        ids = model.encode(prompt, control)
    else:
        ids = prompt
        check_ids(model, ids, param)
    if not ids:
        raise ApiError(400, "invalid_value", f"{param} is empty", param)
    return ids


def encode_middle(model: TokenBackend, before: str | list[int], after: str) -> list[int]:
    """A prompt for what belongs between two texts, whose words are never control tokens. Raises ApiError (400)."""
    fim = require_fim(model, "suffix")
    check_length(model, [before, after], "prompt")
    ids = model.encode(before, control=False, begin=False) if isinstance(before, str) else before
    check_ids(model, ids, "prompt")
    return model.with_bos(fim.prompt(ids, model.tokenizer.encode(after)))


def require_writer(model: TokenBackend) -> TokenBackend:
    """The model. Raises EncoderError for one that writes no texts."""
    if not model.capabilities.generates:
        raise EncoderError(model.name)
    return model


def require_fim(model: TokenBackend, param: str) -> Fim:
    """How a model is asked for the middle of a text. Raises ApiError (400) for one that was not made for that."""
    if model.fim is None:
        message = f"{model.name} cannot fill in the middle: it has no tokens for that; take a code model"
        raise ApiError(400, "unsupported_parameter", message, param)
    return model.fim


def check_length(model: TokenBackend, given: Any, param: str = "messages", plain: bool = True, most: int = 0) -> None:
    """Raises ApiError (400) for what holds text that surely takes more than `most` tokens (the context, if that is
    more), before anything is made of it."""
    texts = list(iterate_strings(given))
    most = max(most, model.context, MOST_READ)
    if sum(map(len, texts)) > most and (count := model.tokenizer.count_at_least(texts, most, plain)) > most:
        message = f"the text has at least {count} tokens and the context holds {model.context}"
        counts = {"n_prompt_tokens": count, "n_ctx": model.context}
        raise ApiError(400, "context_length_exceeded", message, param, counts=counts)


def iterate_strings(value: Any) -> Iterator[str]:
    """Every string within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from (name, *iterate_strings(item))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from iterate_strings(item)


def check_ids(model: TokenBackend, ids: list[int], param: str) -> None:
    """Raises ApiError (400) for ids the model does not have."""
    if any(not 0 <= i < model.vocabulary_size for i in ids):
        last = model.vocabulary_size - 1
        raise ApiError(400, "invalid_value", f"token ids of this model are from 0 to {last}", param)
