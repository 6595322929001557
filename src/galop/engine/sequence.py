"""A sequence as the scheduler handles it: its request, its progress, and the callbacks for what happens to it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal

from galop.engine.kv_cache import KVCache
from galop.engine.sampling import SampledToken, Sampling
from galop.engine.soft_tokens import SoftTokens
from galop.engine.speculation import Drafter
from galop.errors import GalopError
from galop.ops.plan import Array
from galop.tokenizers.constraint import Constraint, Mask

FinishReason = Literal["stop", "length", "cancelled"]
Outcome = FinishReason | GalopError | None
"""How a sequence ends; None while it goes on."""


class SequenceStatus(Enum):
    """Where a sequence stands. A running one that is preempted waits again."""

    WAITING = auto()
    PREFILL = auto()
    DECODE = auto()
    FINISHED = auto()


@dataclass(eq=False)
class TokenSequence:
    """A prompt and the tokens that are sampled after it. The callbacks are called between steps, by the thread that
    steps; times are of time.monotonic(), NaN until they are known."""

    prompt: list[int]
    sampling: Sampling
    max_tokens: int  # after the prompt
    on_token: Callable[[SampledToken], FinishReason | None] = lambda _: None  # stop tokens excepted; a reason ends it
    on_finish: Callable[[FinishReason | GalopError], None] = lambda _: None
    on_prefill: Callable[[int], None] = lambda _: None  # gets the tokens of the prompt read so far
    on_prompt_end: Callable[[Array, Array], None] | None = None  # gets logits [vocabulary], hidden state [hidden_size]
    stop_ids: frozenset[int] = frozenset()
    client: str = ""  # whose prompts may share its blocks
    mask: Mask | None = None  # bits of the tokens it may have at all
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    logprobs: int = 0  # likely tokens wanted with each sampled one
    prompt_logprobs: int | None = None  # likely tokens wanted with each of the prompt's; None where it is not scored
    min_tokens: int = 0  # before which no stop token is sampled, where anything else may be
    banned: Sequence[tuple[int, ...]] = ()  # tokens whose last is never sampled after the others
    drafter: Drafter | None = None
    constraint: Constraint | None = None
    background: bool = False  # whether it gives way to those that are not
    soft: Sequence[SoftTokens] = ()  # what those tokens of the prompt stand for that are below zero, in order

    tokens: list[int] = field(init=False)  # the prompt's and those after it
    prompt_scores: list[SampledToken] = field(init=False, default_factory=list)  # of the prompt's second token and on
    status: SequenceStatus = field(init=False, default=SequenceStatus.WAITING)
    turn: int = field(init=False, default=0)  # in which it is: clients take turns
    cancelled: bool = field(init=False, default=False)
    kv: KVCache | None = field(init=False, default=None)  # while it runs
    block_hashes: list[bytes] = field(init=False, default_factory=list)  # of the prompt's full blocks
    cached_tokens: int = field(init=False, default=0)  # of the prompt, that were known when it started
    arrival_time: float = field(init=False)
    start_time: float = field(init=False, default=math.nan)
    prefill_end_time: float = field(init=False, default=math.nan)
    end_time: float = field(init=False, default=math.nan)

    def __post_init__(self) -> None:
        self.tokens = list(self.prompt)
        self.arrival_time = time.monotonic()

    @property
    def completion_tokens(self) -> int:
        """How many tokens follow the prompt."""
        return len(self.tokens) - len(self.prompt)

    @property
    def needs_prompt_scores(self) -> bool:
        """Whether log-probabilities of its prompt are still missing."""
        return self.prompt_logprobs is not None and len(self.prompt_scores) < len(self.prompt) - 1

    @property
    def place(self) -> tuple[bool, int, float]:
        """Its place among all that wait or run, the first in turn first: those of one turn in order of arrival, and
        those in the background behind all others."""
        return self.background, self.turn, self.arrival_time

    @property
    def unread_tokens(self) -> int:
        """How many of its tokens are not in its KV cache yet."""
        return len(self.tokens) - (len(self.kv.tokens) if self.kv else 0)

    def append(self, token: SampledToken) -> FinishReason | None:
        """Appends a token and passes it to `on_token`, unless it is a stop token; the reason if the sequence ends."""
        self.tokens.append(token.token)
        if token.token in self.stop_ids:
            return "stop"
        return self.on_token(token) or ("length" if self.completion_tokens >= self.max_tokens else None)
