"""Many generations on one engine: which wait, which have their prompt read, which decode, step by step.

Reading prompts and decoding take turns: a step over many tokens is bound by arithmetic, one over a token of each
sequence by memory, and both in one step would make every gap between tokens a long one. While others decode, prompts
may hold them up for STALL_SECONDS; then DECODE_STEPS tokens of each follow undisturbed, so all but a fortieth of the
gaps stay what they are without prompts.

Nor may company slow a text down more than SLOWEST-fold: past some width a step takes as much longer as it is wider, so
more at once would only make all of them late. Who waits for that goes on as soon as one has ended; when more wait than
run, throughput comes first.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate
from typing import Literal, Protocol

import numpy as np

from galop.engine.engine import KV, Engine, StepCancelled
from galop.engine.lower import PAGE_TOKENS
from galop.engine.pages import chain
from galop.engine.sampling import Drawn, Sampling, draw
from galop.engine.speculation import MOST_GUESSES, PROBE, Gauge, Guess, Guesser
from galop.errors import ConstraintError, GalopError, MemoryBudgetError, NumericalError, QueueFullError
from galop.ops.plan import Array

log = logging.getLogger("galop.engine")
STALL_SECONDS = 1.5
DECODE_STEPS = 40
SLOWEST = 3.0
SCORE_BYTES = 64 << 20  # of logits at once, of prompts whose every token is scored
SAVED_TOKENS = 256  # a shorter conversation is read again as soon as it is found on disk
Reason = Literal["stop", "length", "cancelled"]


class Guide(Protocol):
    """What leads a text token by token: what may come next, and what must. Raises GalopError to end it."""

    def mask(self) -> Array | None:
        """A bit for each token that may come next (uint32 [vocabulary / 32]); None where all may."""

    def meant(self, drawn: int) -> int:
        """The token that is taken where `drawn` was drawn."""
        return drawn

    def took(self, token: int) -> Sequence[int]:
        """Hears of each token in turn, and gives those that must follow it, of which it does not hear again."""


@dataclass(eq=False)
class Generation:
    """One text in the making. The callbacks are called between steps, by the thread that steps.

    `on_token` takes what was drawn, stop tokens excepted, and ends the text by giving a reason; `on_prompt` the tokens
    of the prompt known so far; `on_read` the logits and the last hidden state after the prompt; `on_end` the reason, or
    the error that ended it. Times are of time.monotonic().
    """

    prompt: list[int]
    sampling: Sampling
    limit: int
    on_token: Callable[[Drawn], Reason | None] = lambda _: None
    on_end: Callable[[Reason | GalopError], None] = lambda _: None
    on_prompt: Callable[[int], None] = lambda _: None
    on_read: Callable[[Array, Array], None] | None = None
    stop_ids: frozenset[int] = frozenset()
    client: str = ""
    mask: Array | None = None
    bias: Mapping[int, float] = field(default_factory=dict)  # added to the logits of these tokens
    logprobs: int = 0
    scores: int | None = None  # likely tokens wanted beside each of the prompt's own; None where these are not scored
    least: int = 0  # tokens before which no stop token is drawn, where anything else may be
    banned: Sequence[tuple[int, ...]] = ()  # tokens whose last is never drawn after the others
    guesser: Guesser | None = None
    guide: Guide | None = None

    tokens: list[int] = field(init=False)
    scored: list[Drawn] = field(init=False, default_factory=list)  # the prompt's tokens from the second on
    kv: KV | None = field(init=False, default=None)
    reading: bool = field(init=False, default=True)
    cancelled: bool = field(init=False, default=False)
    page_keys: list[bytes] = field(init=False, default_factory=list)
    cached: int = field(init=False, default=0)
    arrived: float = field(init=False)
    begun: float = field(init=False, default=math.nan)
    read: float = field(init=False, default=math.nan)
    ended: float = field(init=False, default=math.nan)

    def __post_init__(self) -> None:
        self.tokens = list(self.prompt)
        self.arrived = time.monotonic()

    @property
    def drawn(self) -> int:
        return len(self.tokens) - len(self.prompt)

    @property
    def unscored(self) -> bool:
        """Whether log-probabilities of its prompt are still missing."""
        return self.scores is not None and len(self.scored) < len(self.prompt) - 1


class Scheduler:
    """`submit` and `cancel` may be called by any thread, the rest by one.

    `parallel` is how many generations have pages at once, `queue` how many may wait for that.
    """

    def __init__(self, engine: Engine, parallel: int = 64, queue: int = 512) -> None:
        self.engine = engine
        self.parallel = parallel
        self.queue = queue
        self.gauge = Gauge()
        self.pace = Gauge()  # what a step of so many texts takes, drawing included
        self.running: list[Generation] = []
        self.counts: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[Generation]] = OrderedDict()  # by client, who is next first
        self._preempted: deque[Generation] = deque()
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._stopping = False
        self._stalled = 0.0  # seconds for which prompts have held up those that decode
        self._calm = 0  # steps for which they may not
        self._steps = 0

    @property
    def waiting(self) -> int:
        return len(self._preempted) + sum(len(q) for q in list(self._waiting.values()))

    def submit(self, generation: Generation) -> None:
        """Raises QueueFullError."""
        parent = self.engine.pages.root(generation.client)
        for end in range(PAGE_TOKENS, len(generation.prompt), PAGE_TOKENS):
            parent = chain(parent, generation.prompt[end - PAGE_TOKENS : end])
            generation.page_keys.append(parent)
        with self._work:
            # Who waits only until the next step is not in the queue's way.
            if self.waiting >= self.queue + max(0, self.parallel - len(self.running)):
                raise QueueFullError(f"{self.queue} requests are waiting already; try again in a few seconds")
            self._waiting.setdefault(generation.client, deque()).append(generation)
            self._work.notify()

    def cancel(self, generation: Generation) -> None:
        """Ends a generation before the next step, and that step now if it is alone; one that has ended stays so."""
        with self._work:
            generation.cancelled = True
            self._work.notify()
        if self.running == [generation]:
            self.engine.program.cancel()

    def run(self, turn: AbstractContextManager[object] | None = None) -> None:
        """Steps until `stop`, each step within `turn`."""
        turn = turn or nullcontext()
        while not self._stopping:
            with turn:
                try:
                    worked = self.step()
                except Exception as error:  # whatever it is, it must not take the engine with it
                    log.exception("a step failed")
                    self._end_all(GalopError(f"the engine failed: {type(error).__name__}"), self.running)
                    continue
            if not worked:
                with self._work:
                    if not (self._stopping or self.waiting or self.running):
                        self._work.wait()
        with self._lock:
            left = [*self._preempted, *(g for queue in self._waiting.values() for g in queue)]
            self._preempted.clear()
            self._waiting.clear()
        self._end_all(GalopError("the model was unloaded"), [*self.running, *left])

    def _end_all(self, why: GalopError, generations: Sequence[Generation]) -> None:
        for generation in list(generations):
            try:
                self._end(generation, why)
            except Exception:
                log.exception("an end failed")

    def stop(self) -> None:
        with self._work:
            self._stopping = True
            self._work.notify()

    def step(self) -> bool:
        """One pass of the engine, or a page written to disk; False if there was nothing to do."""
        self._drop_cancelled()
        self._admit()
        reading = [g for g in self.running if g.reading]
        decoding = [g for g in self.running if not g.reading]
        try:
            if reading and (not decoding or not self._calm):
                self._read(reading, bool(decoding))
            elif decoding:
                self._decode(decoding)
            else:
                return self.engine.pages.save_one()
        except MemoryError:
            self._preempt()
        except StepCancelled:
            pass  # it is dropped before the next
        return True

    def _drop_cancelled(self) -> None:
        for generation in [g for g in self.running if g.cancelled]:
            self._end(generation, "cancelled")
        with self._lock:
            queues = [self._preempted, *self._waiting.values()]
            gone = [g for queue in queues for g in queue if g.cancelled]
            for queue in queues if gone else []:
                for generation in [g for g in queue if g.cancelled]:
                    queue.remove(generation)
        for generation in gone:
            self._end(generation, "cancelled")

    def _admit(self) -> None:
        # Prompts are read in turn, so no more are taken in than fill the next chunk.
        while len(self.running) < self.parallel and self._unread() < self.engine.chunk:
            if self._crowded() or not (generation := self._next()):
                break
            begin = self.engine.anew if generation.unscored else partial(self.engine.begin, generation.tokens)
            generation.kv = begin(generation.client)
            if math.isnan(generation.begun):
                generation.begun = time.monotonic()
                generation.cached = len(generation.kv.tokens)
            generation.reading = True
            self.running.append(generation)

    def _unread(self) -> int:
        return sum(len(g.tokens) - len(g.kv.tokens) for g in self.running if g.reading and g.kv)

    def _crowded(self) -> bool:
        """Whether one more would slow down those who run by more than they have to bear."""
        width = len(self.running) + 1
        return self.waiting <= width and self.pace.slowdown(width) > SLOWEST

    def _next(self) -> Generation | None:
        """Who had to give way comes first, then one of each client in turn; none if its prompt finds no room."""
        pages = self.engine.pages
        promised = sum(_pages(g) - len(g.kv.pages) for g in self.running if g.reading and g.kv)
        room = pages.available - promised
        being_read = {
            key for g in self.running if g.reading and g.kv for key in g.page_keys[len(g.kv.tokens) // PAGE_TOKENS :]
        }
        with self._lock:
            for queue in [self._preempted, *self._waiting.values()]:
                if not queue:
                    continue
                if self.running and _pages(queue[0]) > room:
                    if queue is self._preempted:
                        return None  # or those who come later would never leave it room
                    continue
                # What another prompt that begins alike is reading now will be there to share.
                missing = next((k for k in queue[0].page_keys if not pages.knows(k)), None)
                if missing is None or missing not in being_read:
                    generation = queue.popleft()
                    if queue is not self._preempted:
                        del self._waiting[generation.client]
                        if queue:
                            self._waiting[generation.client] = queue
                    return generation
        return None

    def _read(self, reading: list[Generation], others: bool) -> None:
        """Reads as much of the prompts, in order of arrival, as a chunk holds."""
        room, scorable = self.engine.chunk, max(16, SCORE_BYTES // (4 * self.engine.vocabulary))
        work: list[tuple[Generation, KV, list[int]]] = []
        ends: list[int] = []
        read = 0
        for generation in reading:
            kv = generation.kv
            assert kv
            most = min(room - read, scorable) if generation.unscored else room - read
            part = generation.tokens[len(kv.tokens) : len(kv.tokens) + most]
            if not part:
                continue
            work.append((generation, kv, part))
            whole = len(kv.tokens) + len(part) == len(generation.tokens)
            first = read if generation.unscored else read + len(part) - whole
            read += len(part)
            ends += range(first, read)
            scorable -= len(part) if generation.unscored else 0
            if read == room:
                break
        hidden = np.empty((len(ends), self.engine.hidden_size), np.float32)
        start = time.monotonic()
        logits = self.engine.forward([(kv, part) for _, kv, part in work], ends, hidden)
        seconds = time.monotonic() - start
        self.engine.adapt(read, seconds)
        self.counts["prompt_tokens"] += read
        if others:
            self._stalled += seconds
            if self._stalled >= STALL_SECONDS:
                self._stalled, self._calm = 0.0, DECODE_STEPS
        row = 0
        for generation, kv, part in work:
            kv.keep()
            if generation.unscored:
                rows = logits[row : row + len(part)]
                row += len(part) - (len(kv.tokens) == len(generation.tokens))
                if not np.isfinite(rows).all():
                    self._end(generation, NumericalError("logits are not finite: the weights are damaged"))
                    row += len(kv.tokens) == len(generation.tokens)
                    continue
                _score(generation, rows, len(kv.tokens) - len(part))
            if math.isnan(generation.read):
                generation.on_prompt(min(len(kv.tokens), len(generation.prompt)))
            if len(kv.tokens) == len(generation.tokens):
                generation.reading = False
                if math.isnan(generation.read):
                    generation.read = time.monotonic()
                if generation.on_read and not generation.drawn:
                    generation.on_read(logits[row], hidden[row])
                self._settle(generation, self._draw(generation, logits[row]) if generation.limit else "length")
                row += 1

    def _decode(self, decoding: list[Generation]) -> None:
        self._calm = max(0, self._calm - 1)
        self._steps += 1
        if len(decoding) == 1:
            self._decode_alone(decoding[0])
            return
        start = time.perf_counter()
        work = [(g.kv, g.tokens[len(g.kv.tokens) :]) for g in decoding if g.kv]
        ends = list(accumulate(len(tokens) for _, tokens in work))
        logits = self.engine.forward(work, [end - 1 for end in ends])
        for generation, row in zip(decoding, logits, strict=True):
            self._settle(generation, self._draw(generation, row))
        if ends[-1] == len(work):  # nothing was put into anyone's mouth
            self.pace.took(len(work), time.perf_counter() - start)

    def _decode_alone(self, generation: Generation) -> None:
        """One sequence leaves arithmetic to spare: guesses of what follows are checked in the same step."""
        kv, guesser, gauge = generation.kv, generation.guesser, self.gauge
        assert kv
        pending = generation.tokens[len(kv.tokens) :]
        if len(pending) > 1:  # what was put into its mouth
            logits = self.engine.forward([(kv, pending)], [len(pending) - 1])
            self._settle(generation, self._draw(generation, logits[0]))
            return
        guess = Guess([])
        most = min(MOST_GUESSES, self.engine.context - len(generation.tokens))
        if guesser and guesser.seconds and self._steps % PROBE:
            most = gauge.worth(most, seconds=guesser.seconds)
        if guesser and most > 0:
            guess = guesser.guess(generation.tokens, most)
        tried = gauge.worth(len(guess.tokens), guess.confidence)
        start = time.perf_counter()
        rows = self.engine.forward([(kv, [*pending, *guess.tokens[:tried]])], range(tried + 1))
        gauge.took(tried + 1, time.perf_counter() - start)
        known, kept = len(generation.tokens), 0
        end = self._draw(generation, rows[0])
        if not tried:
            self.pace.took(1, time.perf_counter() - start)
        while end is None and kept < tried and generation.tokens[known + kept :] == [guess.tokens[kept]]:
            kept += 1
            end = self._draw(generation, rows[kept])
        kv.truncate(known + kept)
        if guess.tokens:
            last = generation.tokens[known + kept : known + kept + 1]
            gauge.held(guess, kept + (last == guess.tokens[kept : kept + 1]), max(tried, 1))
        self._settle(generation, end)

    def _draw(self, generation: Generation, logits: Array) -> Reason | GalopError | None:
        """Draws a token and hands it over; why the text ends with it, if it does."""
        how = generation.sampling
        tokens: Sequence[int] = generation.tokens if how.penalises else ()
        prompt = len(generation.prompt) if how.penalises else 0
        for token, bias in generation.bias.items():
            logits[token] += bias
        try:
            allowed = _allowed(generation, len(logits))
            drawn = draw(logits, how, len(generation.tokens), tokens, prompt, allowed, generation.logprobs)
            self.counts["generation_tokens"] += 1
            if generation.guide:
                drawn = replace(drawn, token=generation.guide.meant(drawn.token))
            end = self._append(generation, drawn)
            for token in generation.guide.took(drawn.token) if generation.guide and end is None else ():
                end = end or self._append(generation, Drawn(token))
        except GalopError as error:
            return error
        return end

    def _append(self, generation: Generation, drawn: Drawn) -> Reason | None:
        generation.tokens.append(drawn.token)
        if drawn.token in generation.stop_ids:
            return "stop"
        return generation.on_token(drawn) or ("length" if generation.drawn >= generation.limit else None)

    def _settle(self, generation: Generation, end: Reason | GalopError | None) -> None:
        if end is not None:
            self._end(generation, end)
        elif generation.kv:
            generation.kv.keep()

    def _end(self, generation: Generation, end: Reason | GalopError) -> None:
        generation.ended = time.monotonic()
        if kv := generation.kv:
            self.running.remove(generation)
            if not isinstance(end, GalopError):
                kv.keep(partial=True)
                if len(kv.tokens) >= SAVED_TOKENS:
                    self.engine.pages.save(kv.keys)
            kv.close()
            generation.kv = None
        self.counts[f"ended_{end if isinstance(end, str) else 'error'}"] += 1
        if not any(not g.reading for g in self.running):
            self._stalled, self._calm = 0.0, 0
        generation.on_end(end)

    def _preempt(self) -> None:
        """Pages have run out: who came last gives its own back and is read again later, to the same tokens."""
        if not self.running:
            return
        last = max(self.running, key=lambda g: g.begun)
        if len(self.running) == 1:
            self._end(last, MemoryBudgetError("keys and values of this text alone do not fit the memory"))
            return
        assert last.kv
        last.kv.keep(partial=True)
        last.kv.close()
        last.kv = None
        self.running.remove(last)
        self._preempted.append(last)
        self.counts["preemptions"] += 1


def _score(generation: Generation, logits: Array, start: int) -> None:
    """Takes down how likely the prompt's tokens were, from logits [tokens, vocabulary] of those from `start` on."""
    assert generation.scores is not None
    known = len(generation.scored)  # more than start where its pages were taken away meanwhile
    wanted = generation.prompt[known + 1 : start + len(logits) + 1]
    if not wanted:
        return
    rows, count = logits[known - start :][: len(wanted)], generation.scores
    top = rows.max(1, keepdims=True)
    norm = top[:, 0] + np.log(np.exp(rows - top).sum(1, dtype=np.float64))
    # Finding the single most likely is four times as fast as finding several.
    likely = rows.argmax(1)[:, None] if count == 1 else np.argpartition(rows, -count, 1)[:, len(rows[0]) - count :]
    for token, row, total, others in zip(wanted, rows, norm, likely.tolist(), strict=True):
        alternatives = sorted(((other, float(row[other] - total)) for other in others), key=lambda pair: -pair[1])
        generation.scored.append(Drawn(token, float(row[token] - total), tuple(alternatives)))


def _mask(generation: Generation) -> Array | None:
    """A bit for each token that may be drawn."""
    guided = generation.guide.mask() if generation.guide else None
    if guided is None or generation.mask is None:
        return generation.mask if guided is None else guided
    both: Array = generation.mask & guided
    if not both.any():
        raise ConstraintError("no token that is allowed fits what the answer is held to")
    return both


def _allowed(generation: Generation, vocabulary: int) -> Array | None:
    """The mask without what the rules of this text forbid now; they give way where nothing would be left."""
    mask, said = _mask(generation), generation.tokens[len(generation.prompt) :]
    forbidden = list(generation.stop_ids) if generation.drawn < generation.least else []
    forbidden += [ids[-1] for ids in generation.banned if len(ids) == 1 or said[1 - len(ids) :] == [*ids[:-1]]]
    if not forbidden:
        return mask
    left = np.full(-(-vocabulary // 32), ~np.uint32(0)) if mask is None else mask.copy()
    for token in forbidden:
        left[token // 32] &= ~np.uint32(1 << token % 32)
    return left if left.any() else mask


def _pages(generation: Generation) -> int:
    """Pages its tokens take, with one to come."""
    return len(generation.tokens) // PAGE_TOKENS + 1
