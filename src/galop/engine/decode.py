"""The decode step: one token of every sequence, or a draft of one sequence checked at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate

from galop.engine.engine import Engine
from galop.engine.kv_cache import KVCache
from galop.engine.next_token import append_next
from galop.engine.sequence import Outcome, TokenSequence
from galop.engine.speculation import MAX_DRAFT_TOKENS, OWN_LAYER, DraftLength, DraftTokens
from galop.engine.step_times import StepTimes

PROBE_STEPS = 64  # after which a drafter that did not pay is tried again
MAX_OWN_DRAFT = 3  # tokens: a layer that was trained for one gets worse with each


class Decoder:
    """Decodes the sequences of one engine, and learns what steps take and how often drafts hold."""

    def __init__(self, engine: Engine, counts: Counter[str]) -> None:
        self.engine = engine
        self.counts = counts
        self.step_times = StepTimes()  # by the number of sequences, sampling included
        self.draft_length = DraftLength()
        self._layer_seconds = 0.0  # what a token takes to draft by the model's own layer
        self._steps = 0

    def step(self, sequences: Sequence[TokenSequence]) -> Iterator[tuple[TokenSequence, Outcome]]:
        """One step of all sequences: each with what came of it. Raises what `Engine.forward` raises."""
        self._steps += 1
        if len(sequences) == 1:
            yield sequences[0], self._decode_alone(sequences[0])
            return
        start = time.perf_counter()
        work = [(s.kv, s.tokens[len(s.kv.tokens) :]) for s in sequences if s.kv]
        ends = list(accumulate(len(tokens) for _, tokens in work))
        logits = self.engine.forward(work, [end - 1 for end in ends])
        for sequence, row in zip(sequences, logits, strict=True):
            yield sequence, append_next(sequence, row, self.counts)
        if ends[-1] == len(work):  # no token was forced
            self.step_times.record(len(work), time.perf_counter() - start)

    def _decode_alone(self, sequence: TokenSequence) -> Outcome:
        """One sequence leaves arithmetic to spare: a draft of what follows is checked in the same step."""
        kv = sequence.kv
        assert kv
        pending = sequence.tokens[len(kv.tokens) :]
        if len(pending) > 1:  # forced tokens, which are read like a prompt
            logits = self.engine.forward([(kv, pending)], [len(pending) - 1])
            return append_next(sequence, logits[0], self.counts)
        draft = self._draft(sequence, kv)
        checked = self.draft_length.best(len(draft.tokens), draft.confidence)
        kv.take_back = checked
        start = time.perf_counter()
        try:
            rows = self.engine.forward([(kv, [*pending, *draft.tokens[:checked]])], range(checked + 1))
        finally:
            kv.take_back = 0
        self.draft_length.step_times.record(checked + 1, time.perf_counter() - start)
        known, accepted = len(sequence.tokens), 0
        outcome = append_next(sequence, rows[0], self.counts)
        if not checked:
            self.step_times.record(1, time.perf_counter() - start)
        while (
            outcome is None and accepted < checked and sequence.tokens[known + accepted :] == [draft.tokens[accepted]]
        ):
            accepted += 1
            outcome = append_next(sequence, rows[accepted], self.counts)
        if accepted < checked:
            kv.truncate(known + accepted)
        if draft.tokens:
            last = sequence.tokens[known + accepted : known + accepted + 1]
            holds = last == draft.tokens[accepted : accepted + 1]
            self.draft_length.record(draft, accepted + holds, max(checked, 1))
        return outcome

    def _draft(self, sequence: TokenSequence, kv: KVCache) -> DraftTokens:
        """What the sequence's drafter says, if it is worth its time."""
        drafter = sequence.drafter
        most = min(MAX_DRAFT_TOKENS, self.engine.context - len(sequence.tokens), kv.draft_room())
        if not drafter or most <= 0:
            return DraftTokens([])
        if drafter.seconds and self._steps % PROBE_STEPS:
            most = self.draft_length.best(most, seconds=drafter.seconds)
        draft = drafter.draft(sequence.tokens, most) if most > 0 else DraftTokens([])
        return draft if draft.tokens else self._draft_by_layer(sequence, kv, most)

    def _draft_by_layer(self, sequence: TokenSequence, kv: KVCache, most: int) -> DraftTokens:
        """What the model's own layer for it says, if it has one and that is worth its time."""
        layer = self.engine.draft_layer
        most = min(most, MAX_OWN_DRAFT, kv.draft_room() - 1)  # a state more is written while it drafts
        if layer and self._steps % PROBE_STEPS:
            most = self.draft_length.best(most, OWN_LAYER, self._layer_seconds)
        if not layer or most <= 0:
            return DraftTokens([])
        start = time.perf_counter()
        tokens = layer.draft(kv, sequence.tokens[-1], most)
        self._layer_seconds += 0.2 * ((time.perf_counter() - start) / most - self._layer_seconds)
        return DraftTokens(tokens, OWN_LAYER)
