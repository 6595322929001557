"""Many answers at once: batched decoding with a cache, at a temperature, under a budget of thinking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from galop.recipes.mini import tokenizer
from galop.recipes.mini.model import Mini

LONGEST = 448  # tokens of a reply
OPENING = 2  # tokens of "<think>\n"
CLOSE = "\n</think>\n\n"


@dataclass
class SampledReply:
    """`ids` are what followed the prompt; `drawn` says which of them the model chose itself."""

    ids: list[int] = field(default_factory=list)
    drawn: list[bool] = field(default_factory=list)
    ended: bool = False

    @property
    def text(self) -> str:
        return tokenizer.decode(self.ids)

    @property
    def answer(self) -> str:
        return answer_in(self.text)

    @property
    def thinking_tokens(self) -> int:
        close = tokenizer.ids()["</think>"]
        return self.ids.index(close) if close in self.ids else len(self.ids)


def answer_in(reply: str) -> str:
    """What stands after the thinking; nothing if the reply did not end."""
    return reply.rpartition("</think>")[2].removesuffix("<|im_end|>").strip() if reply.endswith("<|im_end|>") else ""


def sample(
    model: Mini,
    prompts: Sequence[Sequence[int]],
    temperature: float = 0.0,
    seed: int = 0,
    longest: int = LONGEST,
    budget: int | None = None,
    close: str = CLOSE,
) -> list[SampledReply]:
    """A reply to each prompt. `budget` is the most tokens of thinking; then `close` is put in the model's mouth.

    At temperature 0 the likeliest token is taken. The same seed gives the same replies.
    """
    model.eval()
    with torch.inference_mode():
        replies = _sample(model, prompts, temperature, seed, longest, budget, close)
    model.train()
    return replies


def _sample(
    model: Mini,
    prompts: Sequence[Sequence[int]],
    temperature: float,
    seed: int,
    longest: int,
    budget: int | None,
    close: str,
) -> list[SampledReply]:
    ids = tokenizer.ids()
    closing = tokenizer.encode(close)
    width = max(map(len, prompts))
    tokens = torch.tensor([[ids["<|endoftext|>"]] * (width - len(p)) + list(p) for p in prompts])
    pads = torch.tensor([width - len(p) for p in prompts])
    cache = model.cache(len(prompts), width + longest, pads)
    generator = torch.Generator().manual_seed(seed)
    replies = [SampledReply() for _ in prompts]
    live = list(range(len(prompts)))  # the reply of each row
    forced: dict[int, list[int]] = {}
    for _ in range(longest):
        logits = model.logits(model(tokens, cache)[:, -1])
        chosen = choose(logits, temperature, generator).tolist()
        for row, r in enumerate(live):
            reply = replies[r]
            if reply.ended:
                continue
            if budget is not None and r not in forced and len(reply.ids) - OPENING >= budget:
                forced[r] = [] if ids["</think>"] in reply.ids else list(closing)
            reply.drawn.append(not forced.get(r))
            reply.ids.append(chosen[row] if reply.drawn[-1] else forced[r].pop(0))
            chosen[row] = reply.ids[-1]
            reply.ended = chosen[row] in (ids["<|im_end|>"], ids["<|endoftext|>"])
        going = [row for row, r in enumerate(live) if not replies[r].ended]
        if not going:
            break
        tokens = torch.tensor(chosen)[:, None]
        if len(going) < 0.75 * len(live):  # the rows that have ended go
            keep = torch.tensor(going)
            tokens, cache.pads, cache.values = tokens[keep], cache.pads[keep], cache.values[:, :, keep]
            live = [live[row] for row in going]
    return replies


def choose(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """logits [B, vocabulary] to ids [B]."""
    if temperature <= 0:
        return logits.argmax(-1)
    noise = torch.empty_like(logits).exponential_(generator=generator)
    return ((logits / temperature).softmax(-1) / noise).argmax(-1)
