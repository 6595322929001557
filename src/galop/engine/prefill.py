"""The prefill step: prompts share a chunk of tokens, which goes through the model together."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from galop.engine.engine import Engine
from galop.engine.kv_cache import KVCache
from galop.engine.next_token import append_next
from galop.engine.sampling import SampledToken
from galop.engine.sequence import Outcome, SequenceStatus, TokenSequence
from galop.engine.soft_tokens import look_at, whole_runs
from galop.engine.states import CHUNK_TOKENS
from galop.errors import GalopError, NumericalError
from galop.ops.plan import Array

SCORE_BYTES = 64 << 20  # of logits at once, of prompts whose every token is scored


def share_chunk(
    engine: Engine, unread: Mapping[TokenSequence, int], seconds: float = math.inf
) -> dict[TokenSequence, int]:
    """How many tokens of the next chunk each prompt gets, of so many that are not read yet; the first in turn first.
    The chunk takes no more than `seconds`, if that can be.

    Half is for the first in turn, so that nobody takes more than twice as many chunks as first come, first served; the
    rest for those with the least left, so that nobody waits for a long prompt. Those that fit this rest go in turn.
    """
    in_turn = sorted(unread, key=lambda s: s.place)
    if engine.in_one_step:
        return _share_whole(in_turn, unread)
    shares = dict.fromkeys(in_turn, 0)
    chunk = engine.chunk_within(seconds)
    half, left = chunk // 2, chunk
    scorable = max(16, SCORE_BYTES // (4 * engine.vocabulary))
    shortest_first = sorted(in_turn, key=lambda s: max(unread[s], half))
    for sequence, most in [(in_turn[0], half), *((s, chunk) for s in shortest_first)]:
        part = min(unread[sequence] - shares[sequence], most, left)
        if sequence.needs_prompt_scores:
            part = min(part, scorable)
            scorable -= part
        shares[sequence] += part
        left -= part
    return shares


def _share_whole(in_turn: Sequence[TokenSequence], unread: Mapping[TokenSequence, int]) -> dict[TokenSequence, int]:
    """Whole prompts, as many as fit the largest chunk, or the first in turn alone."""
    shares, left = dict.fromkeys(in_turn, 0), CHUNK_TOKENS
    for i, sequence in enumerate(in_turn):
        if not i or unread[sequence] <= left:
            shares[sequence] = unread[sequence]
            left -= unread[sequence]
    return shares


class PrefillStep:
    """One step over a chunk of prompts: `execute` it, then `finish` gives what came of it. It takes no more than
    `seconds`, if that can be."""

    def __init__(self, engine: Engine, sequences: Sequence[TokenSequence], seconds: float = math.inf) -> None:
        self.engine = engine
        self.tokens = 0
        self._work: list[tuple[TokenSequence, KVCache, list[int]]] = []
        self._rows: list[int] = []  # tokens of the step whose logits are wanted
        for sequence, share in share_chunk(engine, {s: s.unread_tokens for s in sequences}, seconds).items():
            if not share:
                continue
            assert sequence.kv
            start = len(sequence.kv.tokens)
            share = whole_runs(sequence.soft, start, share)
            part = sequence.tokens[start : start + share]
            self._work.append((sequence, sequence.kv, part))
            if sequence.needs_prompt_scores:
                self._rows += range(self.tokens, self.tokens + share)
            elif start + share == len(sequence.tokens):
                self._rows.append(self.tokens + share - 1)
            self.tokens += share
        self._logits: Array
        self._hidden: Array = np.empty((len(self._rows), engine.hidden_size), np.float32)

    def look(self) -> list[tuple[TokenSequence, GalopError]]:
        """Looks at the pictures of the step; those sequences whose pictures cannot be seen, and why."""
        failed: list[tuple[TokenSequence, GalopError]] = []
        for sequence, kv, part in self._work:
            try:
                look_at(sequence.soft, len(kv.tokens), len(part))
            except GalopError as error:
                failed.append((sequence, error))
        return failed

    def execute(self) -> float:
        """Seconds the model took. Raises what `Engine.forward` raises."""
        start = time.monotonic()
        self._logits = self.engine.forward([(kv, part) for _, kv, part in self._work], self._rows, self._hidden)
        seconds = time.monotonic() - start
        self.engine.adapt_chunk(self.tokens, seconds)
        return seconds

    def finish(self, counts: Counter[str]) -> Iterator[tuple[TokenSequence, Outcome]]:
        """Reports its progress to each sequence, and samples the first token of those whose prompt has been read."""
        row = 0
        for sequence, kv, part in self._work:
            whole = len(kv.tokens) == len(sequence.tokens)
            first, row = row, row + (len(part) if sequence.needs_prompt_scores else whole)
            kv.commit()
            if sequence.needs_prompt_scores:
                rows = self._logits[first:row]
                if not np.isfinite(rows).all():
                    yield sequence, NumericalError("logits are not finite: the weights are damaged")
                    continue
                score_prompt(sequence, rows, len(kv.tokens) - len(part))
            if math.isnan(sequence.prefill_end_time):
                sequence.on_prefill(min(len(kv.tokens), len(sequence.prompt)))
            if whole:
                sequence.status = SequenceStatus.DECODE
                if math.isnan(sequence.prefill_end_time):
                    sequence.prefill_end_time = time.monotonic()
                if sequence.on_prompt_end and not sequence.completion_tokens:
                    sequence.on_prompt_end(self._logits[row - 1], self._hidden[row - 1])
                yield (
                    sequence,
                    append_next(sequence, self._logits[row - 1], counts) if sequence.max_tokens else "length",
                )


def score_prompt(sequence: TokenSequence, logits: Array, start: int) -> None:
    """Appends to `prompt_scores` how likely the prompt's tokens were, from logits [tokens, vocabulary] of those from
    `start` on."""
    assert sequence.prompt_logprobs is not None
    known = len(sequence.prompt_scores)  # more than start where its blocks were taken away meanwhile
    wanted = sequence.prompt[known + 1 : start + len(logits) + 1]
    if not wanted:
        return
    rows, count = logits[known - start :][: len(wanted)], sequence.prompt_logprobs
    top = rows.max(1, keepdims=True)
    norm = top[:, 0] + np.log(np.exp(rows - top).sum(1, dtype=np.float64))
    # Finding the single most likely is four times as fast as finding several.
    likely = rows.argmax(1)[:, None] if count == 1 else np.argpartition(rows, -count, 1)[:, len(rows[0]) - count :]
    for token, row, total, others in zip(wanted, rows, norm, likely.tolist(), strict=True):
        alternatives = sorted(((other, float(row[other] - total)) for other in others), key=lambda pair: -pair[1])
        sequence.prompt_scores.append(SampledToken(token, float(row[token] - total), tuple(alternatives)))
