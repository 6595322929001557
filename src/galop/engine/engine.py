"""Sequences in, logits out: KV pages, batches of any mixture, prompts in chunks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from galop.engine.lower import PAGE_TOKENS, KVType, page_bytes, program
from galop.engine.pages import KVFolder, Pages
from galop.errors import ContextLengthError
from galop.ops.plan import Array, Plan
from galop.weights.pack import Pack

CHUNK_SECONDS = 0.25
CHUNK_TOKENS = 512


class StepCancelled(Exception):
    """A step was given up part-way, by `Program.cancel`."""


@dataclass
class KV:
    """A sequence as the engine keeps it: its tokens so far and the pages their keys and values lie in."""

    engine: Engine
    tokens: list[int] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)
    root: bytes = b""  # whose prompts may find these pages again; nobody's if empty
    keys: list[bytes] = field(default_factory=list)  # of the full pages that can be found

    def truncate(self, length: int) -> None:
        """Forgets the tokens from `length` on, which must not lie in a page that was kept."""
        keep = -(-length // PAGE_TOKENS)
        for page in self.pages[keep:]:
            self.engine.pages.release(page)
        del self.pages[keep:], self.tokens[length:]

    def reuse(self, tokens: Sequence[int]) -> int:
        """Keeps the prefix shared with `tokens`, except that the last token is always computed; its length."""
        shared = 0
        for a, b in zip(self.tokens, tokens[:-1], strict=False):
            if a != b:
                break
            shared += 1
        self.truncate(shared)
        return shared

    def keep(self, partial: bool = False) -> None:
        """Lets prompts that begin alike find the pages that are full, or also the last."""
        while self.root and (rest := len(self.tokens) - len(self.keys) * PAGE_TOKENS) > 0:
            if rest < PAGE_TOKENS and not partial:
                break
            start = len(self.keys) * PAGE_TOKENS
            parent = self.keys[-1] if self.keys else self.root
            key = self.engine.pages.keep(parent, self.tokens[start : start + PAGE_TOKENS], self.pages[len(self.keys)])
            if rest < PAGE_TOKENS:
                break
            self.keys.append(key)

    def close(self) -> None:
        self.truncate(0)
        self.keys.clear()


class Engine:
    """Runs one model. `context` is the most tokens a sequence may hold, `kv` how their keys and values are kept.

    `pool` is the most tokens that all sequences may hold together; by default four contexts. `folder` keeps pages for
    later processes.
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
        folder: KVFolder | None = None,
    ) -> None:
        self.program = program(plan, pack, threads, kv, isa)
        capacity = -(-max(pool or 4 * context, context) // PAGE_TOKENS)
        self.pages = Pages(page_bytes(plan, kv), capacity, folder=folder)
        self.vocabulary = plan.widths[plan.steps[-1].outputs[-1]]
        self.hidden_size = plan.widths[plan.steps[-1].inputs[0]]
        self.context = context
        self.chunk = 64  # tokens of a prompt at once; adapted so that a chunk takes about CHUNK_SECONDS

    def sequence(self) -> KV:
        return KV(self)

    def begin(self, tokens: Sequence[int], client: str) -> KV:
        """A sequence that holds what is known already of a prompt."""
        root = self.pages.root(client)
        known = self.pages.match(root, tokens)
        return KV(self, list(tokens[: known.length]), known.pages, root, known.keys)

    def anew(self, client: str) -> KV:
        """A sequence that holds nothing yet, of whose tokens all logits are to be seen."""
        return KV(self, root=self.pages.root(client))

    def forward(
        self, work: Sequence[tuple[KV, Sequence[int]]], rows: Sequence[int], hidden: Array | None = None
    ) -> Array:
        """Appends tokens to sequences in one step.

        `rows` index the step's tokens, in the order of `work`, whose logits are wanted: float32 [rows, vocabulary].
        `hidden`, float32 [rows, hidden_size], takes what the head made them from: the last norm's output.
        Raises ContextLengthError if a sequence would grow past the context, MemoryError if no page can be had,
        StepCancelled if the program was cancelled; the sequences are then as before.
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
            while len(kv.pages) * PAGE_TOKENS < length:
                kv.pages.append(self.pages.allocate())  # kept by its sequence if a later one cannot be had
            ids += tokens
            positions += range(start, length)
            owners += [i] * len(tokens)
        logits = np.empty((len(rows), self.vocabulary), np.float32)
        finished = self.program.forward(
            np.array(ids, np.int32),
            np.array(positions, np.int32),
            np.array(owners, np.int32),
            [kv.pages for kv, _ in work],
            np.array(rows, np.int32),
            self.pages.store,
            logits,
            hidden,
        )
        if not finished:
            raise StepCancelled
        for kv, tokens in work:
            kv.tokens += tokens
        return logits

    def prefill(self, kv: KV, tokens: Sequence[int]) -> Iterator[tuple[int, Array | None]]:
        """Appends a prompt chunk by chunk: yields the tokens done, and with the last chunk its last token's logits."""
        done = 0
        while done < len(tokens):
            part = list(tokens[done : done + self.chunk])
            done += len(part)
            start = time.monotonic()
            logits = self.forward([(kv, part)], [len(part) - 1] if done == len(tokens) else [])
            self.adapt(len(part), time.monotonic() - start)
            yield done, logits[0] if done == len(tokens) else None

    def adapt(self, tokens: int, seconds: float) -> None:
        """Sets the chunk from what one took."""
        if tokens == self.chunk:
            self.chunk = min(CHUNK_TOKENS, max(64, int(tokens / seconds * CHUNK_SECONDS) // 32 * 32))  # fewer cost 14 %
