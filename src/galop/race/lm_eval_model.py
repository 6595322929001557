"""A Galop model for lm-evaluation-harness: `lm_eval.simple_evaluate(model=GalopLM("qwen3:0.6b"), tasks=[...])`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM

from galop.backends.events import Text
from galop.backends.load import load
from galop.backends.protocol import GenerationRequest, TokenBackend
from galop.engine.sampling import Sampling


class GalopLM(TemplateLM):  # type: ignore[misc]
    """Log-likelihoods and greedy or drawn continuations of plain text; a chat template is not used."""

    def __init__(self, model: str | TokenBackend, max_gen_toks: int = 256) -> None:
        super().__init__()
        self.model: TokenBackend = load(model) if isinstance(model, str) else model
        self.max_gen_toks = max_gen_toks

    @property
    def eot_token_id(self) -> int:
        """A token that ends a reply."""
        return min(self.model.stop_ids)

    @property
    def prefix_token_id(self) -> int:
        """What stands before a text of which the first token is to be likely, too."""
        bos = self.model.tokenizer.id(self.model.tokenizer.bos_token or "")
        return self.eot_token_id if bos is None else bos

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: object) -> list[int]:
        """Ids of a plain text; the tokenizer's own special tokens are as its model file says."""
        return list(self.model.tokenizer.encode(string))

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[Any, list[int], list[int]]], **_: object
    ) -> list[tuple[float, bool]]:
        """Of each continuation after its context, and whether it is the likeliest."""
        found = []
        for _key, context, continuation in requests:
            ids = [*context, *continuation][-self.model.context :]
            rows = self.model.logits(ids[:-1])[-len(continuation) :].astype(np.float64)
            top = rows.max(-1, keepdims=True)
            logprobs = rows - top - np.log(np.exp(rows - top).sum(-1, keepdims=True))
            wanted = np.array(continuation)
            total = float(logprobs[np.arange(len(wanted)), wanted].sum())
            found.append((total, bool((rows.argmax(-1) == wanted).all())))
        return found

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """Of whole texts, in windows as long as the context."""
        found = []
        for request in requests:
            ids = [self.prefix_token_id, *self.tok_encode(request.args[0])]
            step, total = self.model.context - 1, 0.0
            for at in range(0, len(ids) - 1, step):
                window = ids[at : at + step + 1]
                total += self._loglikelihood_tokens([(None, window[:1], window[1:])])[0][0]
            found.append(total)
        return found

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Each prompt's continuation, up to one of its stop texts."""
        found = []
        for request in requests:
            context, options = request.args
            until = options.get("until") or []
            temperature = options.get("temperature") or 0.0 if options.get("do_sample") else 0.0
            ids = self.model.encode(context)
            most = int(options.get("max_gen_toks") or self.max_gen_toks)
            prompt = ids[-(self.model.context - most) :] if len(ids) + most > self.model.context else ids
            stop = [until] if isinstance(until, str) else until
            events = self.model.stream(GenerationRequest(prompt, Sampling(float(temperature)), most, stop))
            found.append("".join(e.text for e in events if isinstance(e, Text)))
        return found
