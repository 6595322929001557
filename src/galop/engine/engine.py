"""Sequences in, logits out: KV caches in blocks, batches of any mixture, prompts in chunks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from galop.engine.block_pool import BlockPool
from galop.engine.disk_cache import DiskCache
from galop.engine.draft_layer import DraftLayer
from galop.engine.kv_cache import KVCache
from galop.engine.lower import program
from galop.engine.prefix_cache import Part, PrefixCache
from galop.engine.soft_tokens import places_on_axes
from galop.engine.states import CHUNK_TOKENS, KVType, pool_blocks, sequences_of, states_of
from galop.errors import ContextLengthError
from galop.ops.cost import Cost, Workload
from galop.ops.plan import Array, Plan
from galop.weights.pack import Pack

CHUNK_SECONDS = 0.25  # between two reports of progress
LEAST_CHUNK = 64  # tokens: chunks of 32 cost 14 %
REUSE = 32  # multiply-adds for each byte of weights, from which on arithmetic is what bounds a step


def least_chunk(plan: Plan, matrix_bytes: Callable[[str], float]) -> int:
    """Tokens that a chunk of a prompt needs for a byte of weights to serve many of them.

    Of a mixture each token takes a few experts, so that many tokens are needed before each expert has several; 64 will
    do for other models. `matrix_bytes` is the size of a matrix by its name.
    """
    chunk = LEAST_CHUNK
    while chunk < CHUNK_TOKENS:
        work = Workload(chunk, 0, 0, 1, matrix_bytes, lambda state: 0)
        cost = sum((step.cost(work) for step in plan.steps), Cost())
        if cost.products >= REUSE * cost.bytes:
            break
        chunk *= 2
    return chunk


class StepCancelled(Exception):
    """A step was given up part-way, by `Program.cancel`."""


class Engine:
    """Runs one model. `context` is the most tokens a sequence may hold, `kv` how their keys and values are kept.

    `pool` is the most tokens that all sequences may hold together, by default four contexts; `sequences` for how many
    there is room that does not grow with them. `disk` keeps blocks for later processes. Raises ValueError for a `kv` or
    `isa` that is not known, ModelFileError for a plan that the native core cannot run.
    """

    def __init__(
        self,
        plan: Plan,
        pack: Pack,
        threads: int,
        context: int,
        kv: KVType = "f16",
        isa: str = "",
        pool: int = 0,
        disk: DiskCache | None = None,
        sequences: int = 0,
    ) -> None:
        self.program = program(plan, pack, threads, kv, isa)
        tokens = max(pool or 4 * context, context)
        states = states_of(plan, kv)
        capacities = pool_blocks(states, tokens, sequences or sequences_of(tokens))
        pools = [BlockPool(state.block_bytes, count) for state, count in zip(states, capacities, strict=True)]
        self.parts = [Part(state, pool) for state, pool in zip(states, pools, strict=True)]
        self.prefix_cache = PrefixCache(self.parts, disk=disk)
        self.draft_layer = DraftLayer(plan, pack, self.parts, threads, kv, isa) if plan.draft else None
        self.kv: KVType = kv
        self.vocabulary = plan.widths[plan.steps[-1].outputs[-1]]
        self.hidden_size = plan.widths[plan.steps[-1].inputs[0]]
        self.context = context
        self.in_one_step = plan.in_one_step
        self.least_chunk = least_chunk(plan, lambda name: pack.matrices[name].nbytes)
        self.chunk = self.least_chunk  # tokens of a prompt at once; adapted so that one takes about CHUNK_SECONDS
        self.token_seconds = 0.0  # for a token of a whole chunk

    @property
    def blocks_in_use(self) -> int:
        """Blocks that sequences use, in all pools."""
        return sum(part.pool.in_use for part in self.parts)

    def blocks_needed(self, length: int) -> list[int]:
        """Blocks of each part that a sequence of so many tokens takes at most."""
        return [part.state.blocks_needed(length) for part in self.parts]

    def new_cache(self) -> KVCache:
        """An empty KV cache whose blocks nobody else will find."""
        return KVCache(self.prefix_cache)

    def cache_for(self, client: str, tokens: Sequence[int] = ()) -> KVCache:
        """A KV cache whose blocks prompts of `client` may find, and that holds what they know of these `tokens`."""
        if self.in_one_step:
            return self.new_cache()
        root = self.prefix_cache.root(client)
        kv = KVCache(self.prefix_cache, root)
        kv.begin(tokens, self.prefix_cache.match(root, tokens))
        return kv

    def forward(
        self,
        work: Sequence[tuple[KVCache, Sequence[int]]],
        rows: Sequence[int],
        hidden: Array | None = None,
        embeddings: Array | None = None,
        axes: Array | None = None,
    ) -> Array:
        """Appends tokens to sequences in one step.

        `rows` index the step's tokens, in the order of `work`, whose logits are wanted: float32 [rows, vocabulary].
        `hidden`, float32 [rows, hidden_size], takes what the head made them from: the last norm's output.
        Tokens of a sequence that are `soft` have the embeddings and positions that are said there, and are found in the
        prefix cache. Of a sequence without such ones, a token -1 - i stands for row i of `embeddings`, float32
        [n, width], whose beginning it is; `axes`, int32 [n, tokens], are all tokens' positions on axis 1 and up, where
        the model reads several. The prefix cache has nothing from the first token on that has such an embedding, or a
        position other than its place.
        Raises ContextLengthError if a sequence would grow past the context, MemoryError if no block can be had,
        StepCancelled if the program was cancelled, ValueError for tokens, embeddings or axes that do not fit; the
        sequences are then as before.
        """
        ids: list[int] = []
        positions: list[int] = []
        owners: list[int] = []
        for i, (kv, tokens) in enumerate(work):
            start, length = len(kv.tokens), len(kv.tokens) + len(tokens)
            if length > self.context:
                raise ContextLengthError(
                    f"the conversation would take {length} tokens and the context holds {self.context}; "
                    "shorten it or raise --context"
                )
            ids += tokens
            positions += range(start, length)
            owners += [i] * len(tokens)
        places = np.array([positions], np.int32)
        given, owned = embeddings is not None or axes is not None, any(kv.soft for kv, _ in work)
        if owned:
            if given:
                raise ValueError("a step with soft tokens brings no other embeddings or axes")
            ids, embeddings, axes = _bring_soft(work, ids)
        if axes is not None:
            places = np.concatenate([places, axes])
        logits = np.empty((len(rows), self.vocabulary), np.float32)
        try:
            for kv, tokens in work:
                kv.prepare(len(tokens))
            for kv, tokens in work:
                kv.prepare_snapshots(len(tokens))
            finished = self.program.forward(
                np.array(ids, np.int32),
                places,
                np.array(owners, np.int32),
                [[kv.row(i) for kv, _ in work] for i in range(len(self.parts))],
                np.array(rows, np.int32),
                [part.pool.memory for part in self.parts],
                logits,
                hidden,
                embeddings,
                [kv.save_counts for kv, _ in work],
            )
            if not finished:
                raise StepCancelled
        except BaseException:
            for kv, _ in work:
                kv.abandon()
            raise
        if given:
            for t in np.flatnonzero((np.array(ids) < 0) | (places != places[0]).any(axis=0)):
                kv = work[owners[t]][0]
                kv.private_from = min(kv.private_from, positions[t])
        for kv, tokens in work:
            kv.advance(tokens)
        return logits

    def prefill(self, kv: KVCache, tokens: Sequence[int]) -> Iterator[tuple[int, Array | None]]:
        """Appends a prompt chunk by chunk: yields the tokens done, and with the last chunk its last token's logits,
        float32 [vocabulary]. Raises what `forward` raises."""
        done = 0
        while done < len(tokens):
            part = list(tokens[done : done + self.chunk])
            done += len(part)
            start = time.monotonic()
            logits = self.forward([(kv, part)], [len(part) - 1] if done == len(tokens) else [])
            self.adapt_chunk(len(part), time.monotonic() - start)
            yield done, logits[0] if done == len(tokens) else None

    def adapt_chunk(self, tokens: int, seconds: float) -> None:
        """Sets the chunk from the seconds that a step over so many tokens took, if they were a whole chunk."""
        if tokens == self.chunk:
            self.token_seconds = seconds / tokens
            self.chunk = min(CHUNK_TOKENS, max(self.least_chunk, int(CHUNK_SECONDS / self.token_seconds) // 32 * 32))

    def chunk_within(self, seconds: float) -> int:
        """Tokens of a chunk that takes no more than so many seconds, as far as is known; LEAST_CHUNK at least."""
        if seconds >= self.chunk * self.token_seconds:
            return self.chunk
        return max(LEAST_CHUNK, int(seconds / self.token_seconds) // 32 * 32)


def _bring_soft(
    work: Sequence[tuple[KVCache, Sequence[int]]], ids: Sequence[int]
) -> tuple[list[int], Array | None, Array | None]:
    """The ids of a step as it takes them, with the embeddings of its soft tokens and all positions on axis 1 and up."""
    taken, found, rows, axes = list(ids), list[Array](), 0, list[Array | None]()
    at = 0
    for kv, tokens in work:
        start = len(kv.tokens)
        axes.append(places_on_axes(kv.soft, start, len(tokens)))
        for one in kv.soft:
            first, last = max(one.start, start), min(one.end, start + len(tokens))
            if first < last:
                found.append(one.embeddings[first - one.start : last - one.start])
                for place in range(first, last):
                    taken[at + place - start] = -1 - rows
                    rows += 1
        at += len(tokens)
    count = max((len(own) for own in axes if own is not None), default=0)
    if not count:
        return taken, np.concatenate(found) if found else None, None
    ends = any(one.together for kv, _ in work for one in kv.soft)  # a text's tokens see until themselves
    whole = []
    for (kv, tokens), own in zip(work, axes, strict=True):
        places = np.arange(len(kv.tokens), len(kv.tokens) + len(tokens), dtype=np.int32) + ends
        whole.append(own if own is not None else np.repeat(places[None], count, axis=0))
    return taken, np.concatenate(found) if found else None, np.concatenate(whole, axis=1)
