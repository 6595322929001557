"""Drafts by a model's own layer for the token after the next one (multi-token prediction: DeepSeek-V3, 2024).

The layer reads a token and the hidden state that the model had before it, and attends to what it has kept of all tokens
before. A step of the model keeps both: the last hidden state as a recurrent state, the layer's keys and values beside
those of the others. So they are found in the prefix cache, on disk and after going back like everything else, and what
a draft writes beyond a sequence's end is written again by the step that checks it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from galop.engine.kv_cache import KVCache
from galop.engine.lower import program
from galop.engine.prefix_cache import Part
from galop.engine.soft_tokens import places_on_axes
from galop.engine.states import KVType, places_of
from galop.errors import ModelFileError
from galop.ops.plan import Plan, Recurrent
from galop.weights.pack import Pack


class DraftLayer:
    """The layer of one engine. Raises ModelFileError as `program` does, and for a plan whose draft has other states
    than a hidden state and what it attends to."""

    def __init__(self, plan: Plan, pack: Pack, parts: Sequence[Part], threads: int, kv: KVType, isa: str) -> None:
        assert plan.draft
        drafted = plan.draft
        places = places_of(plan, kv)[-len(drafted.states) :]
        if plan.states[-len(drafted.states) :] != drafted.states or not isinstance(drafted.states[0], Recurrent):
            raise ModelFileError(f"{pack.card.name}: its layer for later tokens keeps what the model does not")
        self.program = program(drafted, pack, threads, kv, isa, places)
        self.parts = parts
        self.vocabulary = drafted.widths[drafted.steps[-1].outputs[-1]]
        self._hidden_part, self._offset = places[0]
        self._hidden_size = drafted.widths[drafted.steps[-1].inputs[0]]

    def draft(self, kv: KVCache, token: int, most: int) -> list[int]:
        """The likeliest tokens after `token`, the next of a sequence that has been read until there; none where there
        is no memory for them."""
        pool = self.parts[self._hidden_part].pool
        try:
            kv.reserve(most)
            scratch = pool.allocate()
        except MemoryError:
            return []
        tables = [[kv.row(i)] for i in range(len(self.parts))]
        logits, hidden = np.empty((1, self.vocabulary), np.float32), np.empty((1, self._hidden_size), np.float32)
        memory, first, tokens = [part.pool.memory for part in self.parts], np.zeros(1, np.int32), [token]
        begin = kv.row(self._hidden_part)[0]
        try:
            for at in range(len(kv.tokens), len(kv.tokens) + most):
                tables[self._hidden_part] = [[begin, scratch]]
                ids, places = np.array(tokens[-1:], np.int32), np.array([[at]], np.int32)
                if (axes := places_on_axes(kv.soft, at, 1)) is not None:
                    places = np.concatenate([places, axes])
                self.program.forward(ids, places, first, tables, first, memory, logits, hidden, None, [[1]])
                tokens.append(int(logits[0].argmax()))
                begin = scratch  # where the layer's own output stands for a hidden state of the model from now on
                pool.data(scratch)[self._offset : self._offset + hidden.nbytes] = hidden.view(np.uint8)[0]
        finally:
            pool.release(scratch)
        return tokens[1:]
