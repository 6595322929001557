"""A model in memory, run by the native engine: `galop.load("qwen3:0.6b")`, then `chat`, `generate` or `logits`."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from galop.backends.completion import SequenceCompletion, lay_out
from galop.backends.events import Done, Emit, Event, Failure, Prefill, StreamEvent
from galop.backends.eyes import Eyes
from galop.backends.processor import Processor
from galop.backends.protocol import Capabilities, GenerationRequest, Statistics, TokenBackend
from galop.backends.sight import ModelSight, PromptPictures
from galop.chat.messages import Message
from galop.chat.renderer import Renderer
from galop.chat.response_format import ResponseFormat
from galop.chat.thinking import Thinking
from galop.chat.tools import Tool, ToolCallDelta, check_tools
from galop.engine.disk_cache import DiskCache
from galop.engine.engine import Engine
from galop.engine.sampling import Sampling
from galop.engine.scheduler import Scheduler
from galop.engine.sequence import SequenceStatus
from galop.engine.speculation import DraftModel, PromptLookup
from galop.engine.states import KVType
from galop.engine.states.state import BLOCK_LAYOUT
from galop.errors import ContextLengthError, EncoderError, ModelFileError, PictureError
from galop.ops.plan import Array, Plan
from galop.ops.reference import Reference
from galop.tokenizers.constraint import Constraint, bit_mask
from galop.tokenizers.tokenizer import Tokenizer
from galop.weights.pack import Pack

EMBEDDINGS = "model.embed_tokens.weight"


class Model(Processor):
    """One model in memory. Several can live in one process; calls on one of them take turns, or run side by side once
    it has its own thread (`serve`)."""

    def __init__(
        self,
        pack: Pack,
        plan: Plan,
        tokenizer: Tokenizer,
        context: int,
        threads: int,
        kv: KVType = "f16",
        isa: str = "",
        pool: int = 0,
        disk_cache: DiskCache | None = None,
        memory: int = 0,
        sequences: int = 0,
        renderer: Renderer | None = None,
        eyes: Eyes | None = None,
    ) -> None:
        """`pool` is the most tokens that all sequences may hold together, by default one context, and `sequences` for
        how many there is room that does not grow with them; `memory` the bytes it takes in all with its context full,
        as far as that was reckoned."""
        super().__init__(pack.card, tokenizer, pack.matrices[EMBEDDINGS].rows, renderer)
        self.pack = pack
        self.plan = plan
        self.memory = memory
        self.engine = Engine(plan, pack, threads, context, kv, isa, pool or context, disk_cache, sequences)
        salt = json.dumps([BLOCK_LAYOUT, pack.card.config, kv, pack.checksums()])
        self.engine.prefix_cache.salt = hashlib.sha256(salt.encode()).digest()
        self.scheduler = Scheduler(self.engine)
        self.sight = ModelSight(eyes) if eyes else None
        self.template.sight = PromptPictures.of(eyes.family, eyes.pack, context) if eyes else None
        self.answered_by, self.waited, self.price = "", 0.0, None  # what only a model behind an interface has
        self._lock = threading.Lock()
        self._owner = 0  # the thread whose call is under way
        self._server: threading.Thread | None = None
        self._smaller: Model | None = None
        self._draft: DraftModel | None = None
        size = tokenizer.vocabulary_size(self.vocabulary_size)
        # Padding rows past the last token were never trained.
        self._mask = self._mask_of(range(size)) if size < self.vocabulary_size else None

    @property
    def context(self) -> int:
        """The most tokens of a prompt and its answer."""
        return self.engine.context

    @property
    def _advice(self) -> str:
        """What to do about a prompt that is too long."""
        most = int(self.card.config["max_position_embeddings"])
        return "shorten it or raise --context" if self.context < most else "shorten it: this model reads no more"

    @property
    def alive(self) -> bool:
        """Whether the thread of `serve` runs, where one was started."""
        return self._server is None or self._server.is_alive()

    @property
    def parallel(self) -> int:
        """The most requests that run at once."""
        return self.scheduler.parallel

    @property
    def capabilities(self) -> Capabilities:
        """What it can do beyond answering a conversation."""
        return Capabilities(
            thinking=self.thinking_support,
            constrained=self.can_constrain,
            embedding_size=self.engine.vocabulary if self.engine.in_one_step else self.engine.hidden_size,
            generates=not self.engine.in_one_step,
            sees=self.sight is not None,
        )

    @property
    def tower(self) -> Pack | None:
        """The pack of its vision tower, if it sees."""
        return self.sight.eyes.pack if self.sight else None

    def statistics(self) -> Statistics:
        """What its scheduler and its prefix cache are doing now."""
        scheduler, prefix_cache = self.scheduler, self.engine.prefix_cache
        return Statistics(
            running=len(scheduler.running),
            waiting=scheduler.waiting,
            preemptions=scheduler.counts["preemptions"],
            prompt_tokens=scheduler.counts["prompt_tokens"],
            generated_tokens=scheduler.counts["generation_tokens"],
            prefix_cache_queries=prefix_cache.query_tokens,
            prefix_cache_hits=prefix_cache.hit_tokens,
            prefix_cache_lost=dict(prefix_cache.lost_tokens),
            pictures_seen=self.sight.looks if self.sight else 0,
            pictures_remembered=self.sight.remembered if self.sight else 0,
            picture_seconds=self.sight.look_seconds if self.sight else 0.0,
            kv_cache_usage=max((part.pool.in_use / part.pool.capacity for part in self.engine.parts), default=0.0),
        )

    def draft_with(self, smaller: Model) -> None:
        """Guesses tokens with a smaller model instead of from the text, and closes it with this one.

        Raises ModelFileError if the two do not have the same tokens.
        """
        if smaller.pack.tokenizer_json != self.pack.tokenizer_json:
            raise ModelFileError(
                f"{smaller.card.name} cannot draft for {self.card.name}: they do not have the same tokens; "
                "take a smaller model of the same family"
            )
        vocabulary = smaller.tokenizer.vocabulary_size(smaller.vocabulary_size)
        self._smaller, self._draft = smaller, DraftModel(smaller.engine, vocabulary)

    def chat(
        self,
        messages: Sequence[Message],
        thinking: Thinking | None = None,
        tools: Sequence[Tool] = (),
        tool_choice: str = "auto",
        parallel_tool_calls: bool = True,
        form: ResponseFormat | None = None,
        sampling: Sampling | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        cancelled: Callable[[], bool] = lambda: False,
        speculate: bool = True,
    ) -> Iterator[Event]:
        """Answers a conversation, `[{"role": "user", "content": "..."}]`, in a stream; see `generate` for the options.

        The part of the conversation that the prefix cache holds is not read again. The model may call `tools`,
        described as for OpenAI's API; `tool_choice` is "auto", "required" or the name of the one it has to call, `form`
        what the answer is constrained to. Raises TemplateError, ContextLengthError, ConstraintError, NumericalError.
        """
        check_tools(tools, tool_choice)
        thinking = thinking or Thinking()
        prompt = self.prompt(messages, thinking, tools)
        constraint = self.constraint(form, tools, tool_choice, parallel_tool_calls)
        yield from self.generate(prompt, sampling, max_tokens, stop, cancelled, speculate, thinking, constraint, tools)

    def room(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> int:
        """Tokens that may still follow a conversation."""
        return self.context - len(self.prompt(messages, Thinking(), tools))

    def generate(
        self,
        prompt: str | Sequence[int],
        sampling: Sampling | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        cancelled: Callable[[], bool] = lambda: False,
        speculate: bool = True,
        thinking: Thinking | None = None,
        constraint: Constraint | None = None,
        tools: Sequence[Tool] = (),
    ) -> Iterator[Event]:
        """Continues a text (control tokens in it are meant) or token ids, in a stream that ends in `Done`.

        Ends at a stop token, at one of the strings in `stop` (which is not part of the text), after max_tokens, at
        the end of the context, or when `cancelled()` says so. `speculate` guesses tokens where that has paid (see
        `engine.speculation`); the answer is the same without. With `thinking` the prompt is a conversation's;
        `constraint` holds for the answer (see `constraint`), which max_tokens can still cut short.
        """
        ids = self.encode(prompt) if isinstance(prompt, str) else prompt
        yield from self.stream(
            GenerationRequest(
                ids, sampling, max_tokens, stop, thinking=thinking, tools=tools, constraint=constraint,
                cancelled=cancelled, speculate=speculate,
            )
        )  # fmt: skip

    def stream(self, request: GenerationRequest) -> Iterator[Event]:
        """The events of a request's answer, which end in `Done`; steps are made by the caller's thread, unless the
        model has one of its own (`serve`). Raises what `submit` raises, and the error of an answer that fails."""
        events: SimpleQueue[StreamEvent] = SimpleQueue()
        with nullcontext() if self._server else self._turn():
            completion = self.submit(request, events.put)
            try:
                while True:
                    while self._server is None and events.empty():
                        self.scheduler.step()
                    event = events.get()
                    if isinstance(event, Failure):
                        raise event.error
                    if isinstance(event, ToolCallDelta):
                        continue  # the whole call follows
                    yield event
                    if isinstance(event, Done):
                        return
                    if isinstance(event, Prefill) and request.cancelled():
                        completion.cancel()
            finally:
                if completion.sequence.status is not SequenceStatus.FINISHED:  # the stream was abandoned
                    completion.cancel()
                    if self._server is None:
                        self.scheduler.step()

    def submit(self, request: GenerationRequest, emit: Emit) -> SequenceCompletion:
        """Puts a request in the queue; `emit` gets its events, between steps, from the thread that steps.

        Raises ContextLengthError, QueueFullError, EncoderError, PictureError for a prompt that was cut within a
        picture, ValueError for an empty one.
        """
        ids = list(request.prompt)
        if not ids:
            raise ValueError("the prompt is empty")
        generates = not self.engine.in_one_step
        if not generates and request.max_tokens != 0:
            raise EncoderError(self.name)
        if len(ids) >= self.context + (not generates):
            raise ContextLengthError(
                f"the prompt has {len(ids)} tokens and the context holds {self.context}; {self._advice}",
                n_prompt_tokens=len(ids),
                n_ctx=self.context,
            )
        soft = self.sight.soft_of(ids, request.client) if self.sight and min(ids) < 0 else []
        if soft and request.prompt_logprobs is not None:
            raise PictureError("a prompt with pictures has no log-probabilities; leave prompt_logprobs out")
        ids = [int(id) for id in ids]  # which hold no picture when they are kept
        completion = lay_out(self, request, ids, self.context - len(ids), emit, self.scheduler.cancel)
        sequence, allowed = completion.sequence, request.rules.allowed_token_ids
        sequence.soft = soft
        sequence.mask = self._mask if allowed is None else self._mask_of(allowed)
        sequence.drafter = (self._draft or PromptLookup()) if request.speculate else None
        self.scheduler.submit(sequence)
        return completion

    def _mask_of(self, allowed: Collection[int]) -> Array:
        """A bit for each of these tokens."""
        flags = np.zeros(self.vocabulary_size, bool)
        flags[list(allowed)] = True
        return bit_mask(flags, self.vocabulary_size)

    def serve(
        self, turn: AbstractContextManager[object] | None = None, parallel: int | None = None, queue: int | None = None
    ) -> None:
        """From now on a thread of its own steps, each step within `turn`, until the model is closed.

        `parallel` requests run at once, and `queue` more may wait; by default as the scheduler has it.
        """
        self.scheduler.parallel = self.scheduler.parallel if parallel is None else parallel
        self.scheduler.queue = self.scheduler.queue if queue is None else queue
        self._server = threading.Thread(target=self.scheduler.run, args=(turn,), name="galop-engine", daemon=True)
        self._server.start()

    def logits(self, tokens: Sequence[int]) -> Array:
        """float32 [len(tokens), vocabulary]: at each position, what is likely to follow it. Raises EncoderError."""
        if self.engine.in_one_step:
            raise EncoderError(self.name)
        kv = self.engine.new_cache()
        parts = []
        with self._turn():
            try:
                for i in range(0, len(tokens), 256):
                    part = list(tokens[i : i + 256])
                    parts.append(self.engine.forward([(kv, part)], range(len(part))))
            finally:
                kv.free()
        return np.concatenate(parts)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Calls on one model take turns. Raises RuntimeError in a thread that would wait for its own stream to end."""
        if self._owner == threading.get_ident():
            raise RuntimeError("an answer of this model is still being read; finish it or close() its iterator first")
        with self._lock:
            self._owner = threading.get_ident()
            try:
                yield
            finally:
                self._owner = 0

    def reference(self) -> Reference:
        """The same plan and weights under the NumPy meaning of every op."""
        return Reference(self.plan, self.pack.array)

    def close(self) -> None:
        """Ends the thread of `serve` and all processes, having written to disk what conversations are to keep."""
        if self._server:
            self.scheduler.stop()
            self._server.join()
            self._server = None
        while self.engine.prefix_cache.save_next():
            pass
        super().close()
        if self._smaller:
            self._smaller.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


if TYPE_CHECKING:
    _: type[TokenBackend] = Model
