"""Continuous batching: many sequences on one engine; which wait, which prefill, which decode, step by step.

Prefill and decode steps alternate: a step over many tokens is bound by arithmetic, one over a token of each sequence by
memory, and both in one step would make every gap between tokens a long one. While sequences decode, prefill may hold
them up for STALL_SECONDS; then DECODE_STEPS tokens of each follow undisturbed, so all but a fortieth of the gaps stay
what they are without prefill.

Prompts share each chunk (`prefill.share_chunk`): half is for the first in turn, the rest for those with the least left.
So a short prompt does not wait for a long one, and short ones can make a long one take twice as many chunks, not more.

Sequences in the background are for time that is left over: while others run, the steps are those of the others, but
for a share of the time (BACKGROUND_SHARE), and where memory or a place is missing the background gives its own back.

Admission keeps steps from getting more than SLOWEST times as long as the narrowest: past some width a step takes as
much longer as it is wider, so more sequences at once would only make all of them late. When more wait than run,
throughput comes first.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from galop.engine.decode import Decoder
from galop.engine.engine import Engine, StepCancelled
from galop.engine.kv_cache import KVCache
from galop.engine.prefill import PrefillStep, share_chunk
from galop.engine.prefix_cache import common_prefix
from galop.engine.sequence import FinishReason, Outcome, SequenceStatus, TokenSequence
from galop.engine.states import BLOCK_TOKENS
from galop.engine.waiting_queue import Admission, WaitingQueue
from galop.errors import GalopError, MemoryBudgetError, QueueFullError

log = logging.getLogger("galop.engine")
STALL_SECONDS = 1.5
DECODE_STEPS = 40  # 24 give 15 % more throughput, and late tokens 4.5 times as late as alone in place of 3
SLOWEST = 3.0
BACKGROUND_SHARE = 0.2  # of the time that the others' steps take: so much longer the others may take
BACKGROUND_STALL = 0.05  # seconds of one chunk of its prompts while others run, if that can be
SAVED_TOKENS = 256  # a shorter conversation is read again as soon as it is found on disk


class Scheduler:
    """`submit` and `cancel` may be called by any thread, the rest by one.

    `parallel` is how many sequences run at once, `queue` how many may wait for that.
    """

    def __init__(self, engine: Engine, parallel: int = 64, queue: int = 512) -> None:
        self.engine = engine
        self.parallel = parallel
        self.queue = queue
        self.running: list[TokenSequence] = []
        self.counts: Counter[str] = Counter()
        self.decoder = Decoder(engine, self.counts)
        self._queue = WaitingQueue()
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._stopping = False
        self._stall_seconds = 0.0  # for which prompts have held up those that decode
        self._calm_steps = 0  # for which they may not
        self._short = False  # whether one that is not in the background lacked room, when it was last looked
        self._taken = [0.0, 0.0]  # seconds of steps while both kinds run: of the others, of the background

    @property
    def waiting(self) -> int:
        """How many sequences wait."""
        return len(self._queue)

    def submit(self, sequence: TokenSequence) -> None:
        """Lets a sequence wait for its turn. Raises QueueFullError."""
        if not self.engine.in_one_step:
            sequence.block_hashes = self.engine.prefix_cache.hashes(sequence.client, sequence.prompt)
        with self._work:
            # Those that the next step admits do not count as waiting, nor does what gives way.
            urgent = not sequence.background
            waiting = self._queue.count_urgent() if urgent else self.waiting
            running = sum(not (urgent and s.background) for s in list(self.running))
            if waiting >= self.queue + max(0, self.parallel - running):
                raise QueueFullError(f"{self.queue} requests are waiting already; try again in a few seconds")
            self._queue.put(sequence)
            self._work.notify()

    def cancel(self, sequence: TokenSequence) -> None:
        """Ends a sequence before the next step, and that step now if it is alone; one that has ended stays so."""
        with self._work:
            sequence.cancelled = True
            self._work.notify()
        if self.running == [sequence]:
            self.engine.program.cancel()

    def run(self, turn: AbstractContextManager[object] | None = None) -> None:
        """Steps until `stop`, each step within `turn`; sequences that are not finished then end with an error."""
        turn = turn or nullcontext()
        while not self._stopping:
            with turn:
                try:
                    worked = self.step()
                except Exception as error:  # whatever it is, it must not take the engine with it
                    log.exception("a step failed")
                    self._finish_all(self.running, GalopError(f"the engine failed: {type(error).__name__}"))
                    continue
            if not worked:
                with self._work:
                    if not (self._stopping or self.waiting or self.running):
                        self._work.wait()
        with self._lock:
            left = self._queue.pop_all()
        self._finish_all([*self.running, *left], GalopError("the model was unloaded"))

    def stop(self) -> None:
        """Lets `run` return after the step under way."""
        with self._work:
            self._stopping = True
            self._work.notify()

    def step(self) -> bool:
        """One pass of the engine, or a block written to disk; False if there was nothing to do."""
        self._drop_cancelled()
        self._admit()
        now = self._choose()
        prefilling = [s for s in now if s.status is SequenceStatus.PREFILL]
        decoding = [s for s in now if s.status is SequenceStatus.DECODE]
        behind = bool(now) and now[0].background
        start = time.monotonic()
        try:
            if prefilling and (not decoding or not self._calm_steps):
                most = BACKGROUND_STALL if behind and len(now) < len(self.running) else math.inf
                self._prefill(prefilling, bool(decoding), most)
            elif decoding:
                self._calm_steps = max(0, self._calm_steps - 1)
                for sequence, outcome in self.decoder.step(decoding):
                    self._settle(sequence, outcome)
            else:
                return self.engine.prefix_cache.save_next()
        except MemoryError:
            self._preempt()
        except StepCancelled:
            pass  # it is dropped before the next
        self._taken[behind] += time.monotonic() - start
        return True

    def _choose(self) -> list[TokenSequence]:
        """Which of those that run take part in the next step: all, where they are of one kind."""
        others = [s for s in self.running if not s.background]
        if not others or len(others) == len(self.running):
            self._taken = [0.0, 0.0]
            return self.running
        owed = self._taken[True] < BACKGROUND_SHARE * self._taken[False]
        return [s for s in self.running if s.background] if owed else others

    def _prefill(self, sequences: list[TokenSequence], others: bool, most: float) -> None:
        """Reads a chunk of prompts that takes `most` seconds, and counts the time if `others` are held up by it."""
        step = PrefillStep(self.engine, sequences, min(most, STALL_SECONDS) if others else most)
        start = time.monotonic()
        if failed := step.look():
            for sequence, error in failed:
                self._finish(sequence, error)
            return
        seconds = time.monotonic() - start + step.execute()
        self.counts["prompt_tokens"] += step.tokens
        if others:
            self._stall_seconds += seconds
            if self._stall_seconds >= STALL_SECONDS:
                self._stall_seconds, self._calm_steps = 0.0, DECODE_STEPS
        for sequence, outcome in step.finish(self.counts):
            self._settle(sequence, outcome)

    def _admit(self) -> None:
        while self.waiting:
            full = len(self.running) >= self.parallel
            if not full and self._is_crowded():
                break
            sequence = None if full else self._pop_waiting()
            if not sequence:
                if self._queue.count_urgent() and (full or self._short) and self._preempt_background():
                    continue
                break
            known = [] if sequence.needs_prompt_scores else sequence.tokens
            sequence.kv = self.engine.cache_for(sequence.client, known)
            sequence.kv.soft = sequence.soft
            if math.isnan(sequence.start_time):
                sequence.start_time = time.monotonic()
                sequence.cached_tokens = len(sequence.kv.tokens)
            sequence.status = SequenceStatus.PREFILL
            self.running.append(sequence)

    def _prefilling(self) -> list[tuple[TokenSequence, KVCache]]:
        return [(s, s.kv) for s in self.running if s.kv and s.status is SequenceStatus.PREFILL]

    def _is_crowded(self) -> bool:
        """Whether with one more of its kind a step would take too long for those that run."""
        urgent = self._queue.count_urgent()
        width = 1 + sum(s.background != bool(urgent) for s in self.running)
        return (urgent or self.waiting) <= width and self.decoder.step_times.slowdown(width) > SLOWEST

    def _pop_waiting(self) -> TokenSequence | None:
        """The next sequence for whose prompt there is room, in memory and in the next chunk, and that would not better
        wait for blocks of another."""
        room = [part.pool.available for part in self.engine.parts]
        for s in self.running:
            if s.kv:
                needed = self.engine.blocks_needed(len(s.tokens))
                room = [
                    left - max(0, most - table.held)
                    for left, most, table in zip(room, needed, s.kv.tables, strict=True)
                ]
        in_progress = {
            key: (s, kv) for s, kv in self._prefilling() for key in s.block_hashes[len(kv.tokens) // BLOCK_TOKENS :]
        }
        unread = {s: s.unread_tokens for s, _ in self._prefilling()}

        self._short = False

        def judge(sequence: TokenSequence, preempted: bool) -> Admission:
            needed = self.engine.blocks_needed(len(sequence.tokens))
            if self.running and any(most > left for most, left in zip(needed, room, strict=True)):
                self._short = self._short or not sequence.background
                return "block" if preempted else "hold"  # or those behind it would never leave it room
            if self._short and sequence.background:
                return "hold"
            hashes = sequence.block_hashes
            known, length = self.engine.prefix_cache.look_up(hashes)
            # A block that is being computed for another prompt can be shared in a few steps.
            if known < len(hashes) and hashes[known] in in_progress:
                other, kv = in_progress[hashes[known]]
                kv.wanted.add(BLOCK_TOKENS * common_prefix(hashes, other.block_hashes))
                return "skip"
            own = len(sequence.tokens) - (0 if sequence.needs_prompt_scores else length)
            return "admit" if share_chunk(self.engine, {**unread, sequence: own})[sequence] else "skip"

        with self._lock:
            return self._queue.pop(self.parallel - len(self.running), judge)

    def _settle(self, sequence: TokenSequence, outcome: Outcome) -> None:
        if outcome is not None:
            self._finish(sequence, outcome)
        elif sequence.kv:
            sequence.kv.commit()

    def _finish(self, sequence: TokenSequence, outcome: FinishReason | GalopError) -> None:
        sequence.end_time = time.monotonic()
        sequence.status = SequenceStatus.FINISHED
        if kv := sequence.kv:
            self.running.remove(sequence)
            if not isinstance(outcome, GalopError):
                kv.publish(partial=True)
                if len(kv.tokens) >= SAVED_TOKENS:
                    self.engine.prefix_cache.request_save(kv.hashes)
            kv.free()
            sequence.kv = None
        self.counts[f"ended_{outcome if isinstance(outcome, str) else 'error'}"] += 1
        if not any(s.status is SequenceStatus.DECODE for s in self.running):
            self._stall_seconds, self._calm_steps = 0.0, 0
        sequence.on_finish(outcome)

    def _finish_all(self, sequences: Sequence[TokenSequence], error: GalopError) -> None:
        for sequence in list(sequences):
            try:
                self._finish(sequence, error)
            except Exception:
                log.exception("an end failed")

    def _drop_cancelled(self) -> None:
        for sequence in [s for s in self.running if s.cancelled]:
            self._finish(sequence, "cancelled")
        with self._lock:
            cancelled = self._queue.pop_cancelled()
        for sequence in cancelled:
            self._finish(sequence, "cancelled")

    def _preempt(self) -> None:
        """Blocks have run out: the sequence that started last gives its own back and is computed again later. The same
        tokens follow: logits do not depend on the batch, and random numbers only on seed and position."""
        if not self.running:
            return
        last = max(self.running, key=lambda s: (s.background, s.start_time))
        if len(self.running) == 1:
            self._finish(last, MemoryBudgetError("keys and values of this text alone do not fit the memory"))
        else:
            self._take_back(last)

    def _preempt_background(self) -> bool:
        """Has the sequence of the background that started last make place; False where there is none."""
        behind = [s for s in self.running if s.background]
        if behind:
            self._take_back(max(behind, key=lambda s: s.start_time))
        return bool(behind)

    def _take_back(self, last: TokenSequence) -> None:
        """A sequence gives its blocks back and waits."""
        assert last.kv
        last.kv.publish(partial=True)
        last.kv.free()
        last.kv = None
        last.status = SequenceStatus.WAITING
        self.running.remove(last)
        with self._lock:
            self._queue.put_preempted(last)
        self.counts["preemptions"] += 1
