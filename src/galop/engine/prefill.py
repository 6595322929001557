"""The prefill step: as much of the prompts as fills a chunk goes through the model together."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from galop.engine.engine import Engine
from galop.engine.kv_cache import KVCache
from galop.engine.next_token import append_next
from galop.engine.sampling import SampledToken
from galop.engine.sequence import Outcome, SequenceStatus, TokenSequence
from galop.errors import NumericalError
from galop.ops.plan import Array

SCORE_BYTES = 64 << 20  # of logits at once, of prompts whose every token is scored


class PrefillStep:
    """One step over prompts, in order of arrival: `execute` it, then `finish` gives what came of it."""

    def __init__(self, engine: Engine, sequences: Sequence[TokenSequence]) -> None:
        self.engine = engine
        self.tokens = 0
        self._work: list[tuple[TokenSequence, KVCache, list[int]]] = []
        self._rows: list[int] = []  # tokens of the step whose logits are wanted
        scorable = max(16, SCORE_BYTES // (4 * engine.vocabulary))
        for sequence in sequences:
            assert sequence.kv
            start = len(sequence.kv.tokens)
            room = engine.chunk - self.tokens
            part = sequence.tokens[start : start + (min(room, scorable) if sequence.needs_prompt_scores else room)]
            if not part:
                continue
            self._work.append((sequence, sequence.kv, part))
            if sequence.needs_prompt_scores:
                self._rows += range(self.tokens, self.tokens + len(part))
                scorable -= len(part)
            elif start + len(part) == len(sequence.tokens):
                self._rows.append(self.tokens + len(part) - 1)
            self.tokens += len(part)
            if self.tokens == engine.chunk:
                break
        self._logits: Array
        self._hidden: Array = np.empty((len(self._rows), engine.hidden_size), np.float32)

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
