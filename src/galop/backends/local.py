"""A model in memory, run by the native engine: `galop.load("qwen3:0.6b")`, then `chat`, `generate` or `logits`."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cached_property
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from galop.backends.completion import LocalCompletion
from galop.backends.default_sampling import default_sampling
from galop.backends.events import Done, Emit, Event, Failure, Prefill, StreamEvent
from galop.backends.protocol import Capabilities, GenerationRequest, Statistics, TokenBackend
from galop.backends.stop_strings import StopMatcher
from galop.backends.tool_constraint import compile_calls
from galop.chat.messages import Message, adapt_messages, trim_tool
from galop.chat.response_format import ResponseFormat
from galop.chat.template import ChatTemplate, PromptEnd, Renderer
from galop.chat.thinking import (
    Thinking,
    ThinkingBudget,
    ThinkingSplitter,
    ThinkingSupport,
    starts_thinking,
    thinking_support,
)
from galop.chat.tool_formats import HERMES, ToolCallFormat, format_named
from galop.chat.tool_parser import GrammarScope, ToolCallParser
from galop.chat.tools import Tool, ToolCallDelta, check_tools, schemas_of
from galop.engine.disk_cache import DiskCache
from galop.engine.engine import Engine
from galop.engine.sampling import Sampling
from galop.engine.scheduler import Scheduler
from galop.engine.sequence import SequenceStatus, TokenSequence
from galop.engine.speculation import DraftModel, PromptLookup
from galop.engine.states import KVType
from galop.errors import ConstraintError, ContextLengthError, ModelFileError
from galop.ops.plan import Array, Plan
from galop.ops.reference import Reference
from galop.tokenizers.constraint import Constraint, bit_mask
from galop.tokenizers.fim import Fim, find_fim
from galop.tokenizers.tokenizer import Detokenizer, Tokenizer
from galop.weights.pack import Pack

if TYPE_CHECKING:
    from galop.chat.constraint import GrammarCompiler, GrammarConstraint


class Model:
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
        folder: DiskCache | None = None,
    ) -> None:
        card = pack.card
        renderer = Renderer()
        if card.chat_template:
            renderer.start()  # it takes a tenth of a second, in which the rest is loaded
        self.card = card
        self.pack = pack
        self.plan = plan
        salt = json.dumps([card.config, kv, [[name, m.crc] for name, m in sorted(pack.matrices.items())]])
        self.engine = Engine(plan, pack, threads, context, kv, isa, pool or context, folder)
        self.engine.prefix_cache.salt = hashlib.sha256(salt.encode()).digest()
        self.scheduler = Scheduler(self.engine)
        self.tokenizer = tokenizer
        self.template = ChatTemplate(card.chat_template, self.tokenizer, renderer)
        self.answered_by = ""
        self.waited = 0.0
        self.price = None
        self.memory = 0  # bytes it takes in all with its context full, as far as that was reckoned
        self.stop_ids = frozenset(card.stop_ids)
        self.default_sampling = default_sampling(card.generation)
        self.direct_sampling: Sampling | None = None  # without thinking, where the card has other settings for that
        self._lock = threading.Lock()
        self._owner = 0  # the thread whose call is under way
        self._server: threading.Thread | None = None
        self._smaller: Model | None = None
        self._draft: DraftModel | None = None
        rows = self.engine.vocabulary
        size = self.tokenizer.vocabulary_size(rows)
        # Padding rows past the last token were never trained.
        self._mask = bit_mask(np.ones(size, bool), rows) if size < rows else None

    @property
    def name(self) -> str:
        """As its file or its model card calls it."""
        return self.card.name

    @property
    def context(self) -> int:
        """The most tokens of a prompt and its answer."""
        return self.engine.context

    @property
    def vocabulary_size(self) -> int:
        """Rows of the head: ids are from 0 to one less, padding included."""
        return self.engine.vocabulary

    @property
    def parallel(self) -> int:
        """The most requests that run at once."""
        return self.scheduler.parallel

    @property
    def capabilities(self) -> Capabilities:
        """What it can do beyond answering a conversation."""
        return Capabilities(
            thinking=self.thinking_support,
            tool_format=self.tool_format,
            constrained=(self.tokenizer.byte_level or self.tokenizer.sentencepiece) and bool(self.stop_ids),
            fill_in_middle=self.fim is not None,
            logprobs=True,
            prompt_logprobs=True,
            logits=True,
            embedding_size=self.engine.hidden_size,
        )

    def statistics(self) -> Statistics:
        """What its scheduler and its prefix cache are doing now."""
        scheduler, prefix_cache, blocks = self.scheduler, self.engine.prefix_cache, self.engine.block_pool
        return Statistics(
            running=len(scheduler.running),
            waiting=scheduler.waiting,
            preemptions=scheduler.counts["preemptions"],
            prompt_tokens=scheduler.counts["prompt_tokens"],
            generated_tokens=scheduler.counts["generation_tokens"],
            prefix_cache_queries=prefix_cache.query_tokens,
            prefix_cache_hits=prefix_cache.hit_tokens,
            kv_cache_usage=blocks.in_use / blocks.capacity,
        )

    @property
    def thinking_support(self) -> ThinkingSupport | None:
        """None for a template that knows no thinking."""
        return thinking_support(self.template.capabilities)

    @property
    def tool_format(self) -> ToolCallFormat | None:
        """None for a template that does not tell of tools, or of calls as none of our formats."""
        can = self.template.capabilities
        return format_named(can.call_format) if can.tools else None

    @cached_property
    def constraints(self) -> GrammarCompiler:
        """Compiles what its answers are held to. Raises ConstraintError where the bytes of its tokens are not known."""
        from galop.chat.constraint import GrammarCompiler  # which takes a twentieth of a second

        return GrammarCompiler(self.tokenizer, self.engine.vocabulary, sorted(self.stop_ids))

    @cached_property
    def fim(self) -> Fim | None:
        """How it is asked for what belongs between two texts; None where it was not made for that."""
        return find_fim(self.tokenizer, self.card.fim)

    def draft_with(self, smaller: Model) -> None:
        """Guesses tokens with a smaller model instead of from the text, and closes it with this one.

        Raises ModelFileError if the two do not have the same tokens.
        """
        if smaller.pack.tokenizer_json != self.pack.tokenizer_json:
            raise ModelFileError(
                f"{smaller.card.name} cannot draft for {self.card.name}: they do not have the same tokens; "
                "take a smaller model of the same family"
            )
        vocabulary = smaller.tokenizer.vocabulary_size(smaller.engine.vocabulary)
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
        what the answer is held to. Raises TemplateError, ContextLengthError, ConstraintError, NumericalError.
        """
        check_tools(tools, tool_choice)
        thinking = thinking or Thinking()
        prompt = self.prompt(messages, thinking, tools)
        constraint = self.constraint(form, tools, tool_choice, parallel_tool_calls)
        yield from self.generate(prompt, sampling, max_tokens, stop, cancelled, speculate, thinking, constraint, tools)

    def prompt(
        self,
        messages: Sequence[Message],
        thinking: Thinking,
        tools: Sequence[Tool] = (),
        turn: PromptEnd = "begin",
        /,
        **variables: Any,
    ) -> list[int]:
        """The ids of a conversation, to be answered, or to have its last message continued. Raises TemplateError."""
        variables = {**thinking.variables(self.thinking_support), **variables}
        can, native = self.template.capabilities, self.tool_format is not None
        if tools and native:
            variables["tools"] = [trim_tool(tool) for tool in tools]
        return self.template.encode(adapt_messages(messages, tools, can, native), turn, **variables)

    def constraint(
        self, form: ResponseFormat | None, tools: Sequence[Tool] = (), choice: str = "auto", several: bool = True
    ) -> GrammarConstraint | None:
        """What holds an answer to `form`, or to calls that the schemas of `tools` allow. Raises ConstraintError.

        A tool that is not `strict` is held to as much of its schema as can be followed.
        """
        tools = [tool for tool in tools if choice in ("auto", "required", tool["function"]["name"])]
        if not tools:
            return self.constraints.compile(form) if form else None
        if not (form or self.capabilities.constrained) and choice == "auto":
            return None
        format = self.tool_format or HERMES
        return compile_calls(self.constraints.compile, self.tokenizer.id, format, tools, choice, several, form)

    def room(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> int:
        """Tokens that may still follow a conversation."""
        return self.context - len(self.prompt(messages, Thinking(), tools))

    def sampling_for(self, thinking: Thinking | None) -> Sampling:
        """The model card's settings for a reply."""
        if thinking is None or self.direct_sampling is None or thinking.will_think(self.thinking_support):
            return self.default_sampling
        return self.direct_sampling

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
        `constraint` leads the answer (see `constraint`), which max_tokens can still cut short.
        """
        ids = self.encode(prompt) if isinstance(prompt, str) else list(prompt)
        events: SimpleQueue[StreamEvent] = SimpleQueue()
        request = GenerationRequest(
            ids, sampling, max_tokens, stop, thinking=thinking, tools=tools, constraint=constraint,
            cancelled=cancelled, speculate=speculate,
        )  # fmt: skip
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
                    if isinstance(event, Prefill) and cancelled():
                        completion.cancel()
            finally:
                if completion.sequence.status is not SequenceStatus.FINISHED:  # the stream was abandoned
                    completion.cancel()
                    if self._server is None:
                        self.scheduler.step()

    def encode(self, text: str, control: bool = True, begin: bool = True) -> list[int]:
        """Ids of a text that is no conversation: control tokens in it are meant, or spelled out where `control` is
        False; `begin` puts a BOS before it, where the model wants one and it has none."""
        ids = self.tokenizer.encode_control(text) if control else self.tokenizer.encode(text)
        return self.with_bos(ids) if begin else ids

    def with_bos(self, ids: list[int]) -> list[int]:
        """Ids after a BOS, where the model wants one and they have none."""
        bos = self.tokenizer.id(self.tokenizer.bos_token) if self.tokenizer.add_bos else None
        return ids if bos is None or ids[:1] == [bos] else [bos, *ids]

    def submit(self, request: GenerationRequest, emit: Emit) -> LocalCompletion:
        """Puts a request in the queue; `emit` gets its events, between steps, from the thread that steps.

        A stop string that is the name of a control token ends at that token. Raises ContextLengthError,
        QueueFullError, ValueError for an empty prompt.
        """
        ids, rules, thinking, tools = list(request.prompt), request.rules, request.thinking, request.tools
        if not ids:
            raise ValueError("the prompt is empty")
        if len(ids) >= self.context:
            raise ContextLengthError(
                f"the prompt has {len(ids)} tokens and the context holds {self.context}; shorten it or raise --context",
                n_prompt_tokens=len(ids),
                n_ctx=self.context,
            )
        room = self.context - len(ids)
        limit = room if request.max_tokens is None else min(request.max_tokens, room)
        in_thought = starts_thinking(self.tokenizer, ids, self.stop_ids)
        constraint = request.constraint
        if thinking and (in_thought or thinking.will_think(self.thinking_support)):
            constraint = ThinkingBudget(
                self.tokenizer, in_thought, thinking.budget, limit, constraint, self.stop_ids, self.vocabulary_size
            )
        format = self.tool_format or HERMES
        held: GrammarScope = "none" if request.constraint is None else "all" if request.calls_constrained else "opened"
        visible = self.tokenizer.added if rules.show_control else format.markers if tools else ()
        detokenizer = Detokenizer(self.tokenizer, visible)
        stops = [id for id in map(self.tokenizer.id, request.stop) if id in detokenizer.hidden and id is not None]
        ends = rules.stop_token_ids.union(stops, () if rules.ignore_eos else self.stop_ids)
        banned = (*rules.banned, *((id,) for id in self.stop_ids if rules.ignore_eos))
        if thinking is None and self.fim and self.fim.matches(ids):
            ends |= self.fim.ends
        sequence = TokenSequence(
            ids,
            request.sampling or self.sampling_for(thinking),
            limit,
            stop_ids=ends,
            client=request.client,
            mask=self._mask if rules.allowed_token_ids is None else self._mask_of(rules.allowed_token_ids),
            logit_bias=rules.logit_bias,
            on_prompt_end=request.on_prompt_end,
            logprobs=0 if request.logprobs is None else max(request.logprobs, 1),
            prompt_logprobs=request.prompt_logprobs,
            min_tokens=rules.min_tokens,
            banned=banned,
            drafter=(self._draft or PromptLookup()) if request.speculate else None,
            constraint=constraint,
        )
        completion = LocalCompletion(
            self.scheduler,
            sequence,
            detokenizer,
            ThinkingSplitter(in_thought) if thinking else None,
            ToolCallParser(format, schemas_of(tools), held) if tools else None,
            StopMatcher(request.stop, rules.include_stop),
            emit,
            request.cancelled,
            alternatives=bool(request.logprobs),
        )
        self.scheduler.submit(sequence)
        return completion

    def _mask_of(self, allowed: Collection[int]) -> Array:
        """A bit for each of these tokens."""
        flags = np.zeros(self.engine.vocabulary, bool)
        flags[list(allowed)] = True
        return bit_mask(flags, self.engine.vocabulary)

    def prepare(self) -> None:
        """Starts what takes a while: the process of the template, and the one that compiles constraints, if it can."""
        _ = self.template.capabilities
        with suppress(ConstraintError):  # the bytes of its tokens are not known
            self.constraints.start()

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
        """float32 [len(tokens), vocabulary]: at each position, what is likely to follow it."""
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
        """Calls on one model take turns; a thread that would wait for its own unfinished stream is told."""
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
        """Ends the template's process and the thread of `serve`, having written what conversations are to keep."""
        if self._server:
            self.scheduler.stop()
            self._server.join()
            self._server = None
        while self.engine.prefix_cache.save_next():
            pass
        self.template.renderer.close()
        if "constraints" in self.__dict__:
            self.constraints.close()
        if self._smaller:
            self._smaller.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


if TYPE_CHECKING:
    _: type[TokenBackend] = Model
