"""A loaded model: `galop.load("qwen3:0.6b")`, then `chat`, `generate` or `logits`."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

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
from galop.chat.tool_parser import GrammarScope, ToolCallParser, overlap
from galop.chat.tool_schema import LOOSEST, ToolSchema, tool_schema
from galop.chat.tools import Tool, ToolCall, ToolCallDelta, check_tools, schemas_of
from galop.engine.disk_cache import DiskCache
from galop.engine.engine import Engine
from galop.engine.sampling import SampledToken, Sampling
from galop.engine.scheduler import Scheduler
from galop.engine.sequence import FinishReason, SequenceStatus, TokenSequence
from galop.engine.speculation import DraftModel, PromptLookup
from galop.engine.states import KVType
from galop.errors import ConstraintError, ContextLengthError, GalopError, ModelFileError
from galop.ops.plan import Array, Plan
from galop.ops.reference import Reference
from galop.tokenizers.constraint import Constraint, bit_mask
from galop.tokenizers.fim import Fim, find_fim
from galop.tokenizers.tokenizer import Detokenizer, Tokenizer
from galop.weights.pack import Pack

if TYPE_CHECKING:
    from galop.chat.constraint import GrammarCompiler, GrammarConstraint


@dataclass(frozen=True)
class Text:
    """A piece of the reply, how many tokens it is, and these where log-probabilities were asked for."""

    text: str
    tokens: int = 1
    drawn: tuple[SampledToken, ...] = ()
    thinking: bool = False


@dataclass(frozen=True)
class Prefill:
    """How much of the prompt has been read."""

    done: int
    total: int


@dataclass(frozen=True)
class Done:
    """The end of an answer: why, and what it took. Rates are tokens per second."""

    reason: Literal["stop", "length", "cancelled"]
    prompt_tokens: int
    cached_tokens: int
    answer_tokens: int
    prompt_seconds: float
    answer_seconds: float
    first_token_seconds: float
    stop: str = ""  # the stop string that ended it
    thinking_tokens: int = 0  # of the answer_tokens

    @property
    def prompt_rate(self) -> float:
        return (self.prompt_tokens - self.cached_tokens) / max(self.prompt_seconds, 1e-9)

    @property
    def answer_rate(self) -> float:
        """Over the tokens after the first, which the prompt pays for."""
        return max(self.answer_tokens - 1, 0) / max(self.answer_seconds, 1e-9)

    def and_then(self, later: Done) -> Done:
        """Both as one, for an answer of several replies."""
        return replace(
            later,
            prompt_tokens=self.prompt_tokens + later.prompt_tokens,
            cached_tokens=self.cached_tokens + later.cached_tokens,
            answer_tokens=self.answer_tokens + later.answer_tokens,
            thinking_tokens=self.thinking_tokens + later.thinking_tokens,
            prompt_seconds=self.prompt_seconds + later.prompt_seconds,
            answer_seconds=self.answer_seconds + later.answer_seconds,
            first_token_seconds=self.first_token_seconds,
        )


@dataclass(frozen=True)
class Failed:
    """An answer that could not be finished. `Model.generate` raises its error instead."""

    error: GalopError


PATIENCE = 10.0  # seconds in which tools are followed one by one as far as each can be
Event = Text | Prefill | ToolCall | Done


class Speaker(Protocol):
    """What answers conversations: a model in memory, or one behind an interface."""

    def chat(
        self, messages: Sequence[Message], thinking: Thinking | None = None, tools: Sequence[Tool] = (), **options: Any
    ) -> Iterator[Event]:
        """Pieces of a reply, which end in `Done`. Options are `sampling`, `max_tokens` and `tool_choice`."""

    def sampling_for(self, thinking: Thinking | None) -> Sampling:
        """Its own settings for a reply."""

    def room(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> int:
        """Tokens that may still follow a conversation."""


@dataclass(frozen=True)
class Rules:
    """Which tokens an answer may have, and what ends it, beyond its model's own ways."""

    least: int = 0  # tokens before which it does not end
    endless: bool = False  # the model cannot end it
    stop_ids: frozenset[int] = frozenset()  # also end it
    banned: tuple[tuple[int, ...], ...] = ()  # tokens whose last is never drawn after the others
    allowed: frozenset[int] | None = None  # the only ones
    with_stop: bool = False  # the stop string that ends it is told with it
    control: bool = False  # control tokens are told by their names


Emit = Callable[[Event | ToolCallDelta | Failed], None]


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
        self.memory = 0  # bytes it takes in all with its context full, as far as it was reckoned
        self.stop_ids = frozenset(card.stop_ids)
        self.default_sampling = card_sampling(card.generation)
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
    def context(self) -> int:
        return self.engine.context

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
        **options: Any,
    ) -> Iterator[Event]:
        """Answers a conversation, `[{"role": "user", "content": "..."}]`, in a stream; options are `generate`'s.

        The part of the conversation that was read before is not read again. The model may call `tools`, described as
        for OpenAI's API; `tool_choice` is "auto", "required" or the name of the one it has to call. Raises
        TemplateError, ContextLengthError, ConstraintError, NumericalError.
        """
        check_tools(tools, tool_choice)
        thinking = thinking or Thinking()
        prompt = self.prompt(messages, thinking, tools)
        constraint = self.constraint(form, tools, tool_choice, parallel_tool_calls)
        yield from self.generate(prompt, thinking=thinking, tools=tools, constraint=constraint, **options)

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

    @property
    def can_be_made_to_call(self) -> bool:
        """Whether its answers can be held to a grammar, and so calls required."""
        return (self.tokenizer.byte_level or self.tokenizer.sentencepiece) and bool(self.stop_ids)

    def constraint(
        self, form: ResponseFormat | None, tools: Sequence[Tool] = (), choice: str = "auto", several: bool = True
    ) -> GrammarConstraint | None:
        """What holds a reply to `form`, or to calls that the schemas of `tools` allow. Raises ConstraintError.

        A tool that is not `strict` is held to as much of its schema as can be followed.
        """
        functions = [tool["function"] for tool in tools if choice in ("auto", "required", tool["function"]["name"])]
        if not functions:
            return self.constraints.compile(form) if form else None
        if not (form or self.can_be_made_to_call) and choice == "auto":
            return None

        def held(tools: Sequence[ToolSchema], choice: str = choice) -> GrammarConstraint:
            one = not several or choice not in ("auto", "required")
            format = self.tool_format or HERMES
            calls = format.grammar(tools, choice != "auto", not one, self.tokenizer.id)
            return self.constraints.compile(calls.with_text(form) if form and choice == "auto" else calls)

        started = time.monotonic()

        def followable(function: Mapping[str, Any]) -> ToolSchema:
            for loose in range(LOOSEST + 1):
                strict = function.get("strict") is True
                if loose < LOOSEST and time.monotonic() > started + PATIENCE and not strict:
                    continue
                try:
                    found = tool_schema(function, loose)
                    held([found], "required")
                    return found
                except ConstraintError as error:
                    if strict or loose == LOOSEST:
                        failure = ConstraintError(f"{function['name']}: {error}")
                        failure.param = "tools"
                        raise failure from None
            raise AssertionError

        try:
            return held([tool_schema(function) for function in functions])
        except ConstraintError:
            alone = [followable(function) for function in functions]
        try:
            return held(alone)
        except ConstraintError:  # all of them are too much
            if form or choice != "auto" or any(one.strict for one in alone):
                raise
            return None

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
        events: SimpleQueue[Event | ToolCallDelta | Failed] = SimpleQueue()
        with nullcontext() if self._server else self._turn():
            answer = self.submit(
                ids, events.put, sampling, max_tokens, stop, cancelled=cancelled, speculate=speculate,
                thinking=thinking, tools=tools, constraint=constraint,
            )  # fmt: skip
            try:
                while True:
                    while self._server is None and events.empty():
                        self.scheduler.step()
                    event = events.get()
                    if isinstance(event, Failed):
                        raise event.error
                    if isinstance(event, ToolCallDelta):
                        continue  # the whole call follows
                    yield event
                    if isinstance(event, Done):
                        return
                    if isinstance(event, Prefill) and cancelled():
                        self.scheduler.cancel(answer.sequence)
            finally:
                if answer.sequence.status is not SequenceStatus.FINISHED:  # the stream was abandoned
                    self.scheduler.cancel(answer.sequence)
                    if self._server is None:
                        self.scheduler.step()

    def encode(self, text: str, control: bool = True, begin: bool = True) -> list[int]:
        """Ids of a text that is no conversation: control tokens in it are meant, or spelled out where `control` is
        False; `begin` puts a BOS before it, where the model wants one and it has none."""
        ids = self.tokenizer.encode_control(text) if control else self.tokenizer.encode(text)
        return self.begun(ids) if begin else ids

    def begun(self, ids: list[int]) -> list[int]:
        """Ids after a BOS, where the model wants one and they have none."""
        bos = self.tokenizer.id(self.tokenizer.bos_token) if self.tokenizer.add_bos else None
        return ids if bos is None or ids[:1] == [bos] else [bos, *ids]

    def submit(
        self,
        ids: list[int],
        emit: Emit,
        sampling: Sampling | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        client: str = "",
        logprobs: int | None = None,
        scores: int | None = None,
        bias: Mapping[int, float] | None = None,
        on_read: Callable[[Array, Array], None] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        speculate: bool = True,
        thinking: Thinking | None = None,
        constraint: Constraint | None = None,
        tools: Sequence[Tool] = (),
        rules: Rules | None = None,
        called: bool = False,
    ) -> Answer:
        """Puts a prompt in the queue; `emit` gets its events, between steps, from the thread that steps.

        `client` is whose prompts may share what is known of this one. `constraint` leads the answer, after any
        thinking; where it holds whatever may be a call of `tools`, calls are `called` in parts. `logprobs` asks for the
        log-probabilities of each token and of so many likely ones, `scores` for those of the prompt's tokens
        (`answer.sequence.prompt_scores`, from its second on); `on_read` gets logits and the hidden state that follow
        the prompt. `rules` say which tokens it may have and what ends it; a stop string that is the name of a control
        token ends at that token. Raises ContextLengthError, QueueFullError, ValueError for an empty prompt.
        """
        if not ids:
            raise ValueError("the prompt is empty")
        if len(ids) >= self.context:
            raise ContextLengthError(
                f"the prompt has {len(ids)} tokens and the context holds {self.context}; shorten it or raise --context",
                n_prompt_tokens=len(ids),
                n_ctx=self.context,
            )
        rules = rules or Rules()
        room = self.context - len(ids)
        limit = room if max_tokens is None else min(max_tokens, room)
        begun = starts_thinking(self.tokenizer, ids, self.stop_ids)
        leading: Constraint | None = constraint
        if thinking and (begun or thinking.will_think(self.thinking_support)):
            rows = self.engine.vocabulary
            leading = ThinkingBudget(self.tokenizer, begun, thinking.budget, limit, leading, self.stop_ids, rows)
        format = self.tool_format or HERMES
        held: GrammarScope = "none" if constraint is None else "all" if called else "opened"
        shown = self.tokenizer.added if rules.control else format.markers if tools else ()
        detokenizer = Detokenizer(self.tokenizer, shown)
        named = [id for id in map(self.tokenizer.id, stop) if id in detokenizer.hidden and id is not None]
        ends = rules.stop_ids.union(named, () if rules.endless else self.stop_ids)
        banned = (*rules.banned, *((id,) for id in self.stop_ids if rules.endless))
        if thinking is None and self.fim and self.fim.matches(ids):
            ends |= self.fim.ends
        answer = Answer(
            TokenSequence(
                ids,
                sampling or self.sampling_for(thinking),
                limit,
                stop_ids=ends,
                client=client,
                mask=self._mask if rules.allowed is None else self._only(rules.allowed),
                logit_bias=bias or {},
                on_prompt_end=on_read,
                logprobs=0 if logprobs is None else max(logprobs, 1),
                prompt_logprobs=scores,
                min_tokens=rules.least,
                banned=banned,
                drafter=(self._draft or PromptLookup()) if speculate else None,
                constraint=leading,
            ),
            detokenizer,
            ThinkingSplitter(begun) if thinking else None,
            ToolCallParser(format, schemas_of(tools), held) if tools else None,
            StopMatcher(stop, rules.with_stop),
            emit,
            cancelled,
            alternatives=bool(logprobs),
        )
        self.scheduler.submit(answer.sequence)
        return answer

    def _only(self, allowed: Collection[int]) -> Array:
        """A mask of these tokens."""
        flags = np.zeros(self.engine.vocabulary, bool)
        flags[list(allowed)] = True
        return bit_mask(flags, self.engine.vocabulary)

    def serve(self, turn: AbstractContextManager[object] | None = None) -> None:
        """From now on a thread of its own steps, each step within `turn`, until the model is closed."""
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


class Answer:
    """One answer in the making: tokens become text, thinking or not, which ends at stop strings and is emitted."""

    def __init__(
        self,
        sequence: TokenSequence,
        detokenizer: Detokenizer,
        splitter: ThinkingSplitter | None,
        parser: ToolCallParser | None,
        stop: StopMatcher,
        emit: Emit,
        cancelled: Callable[[], bool] = lambda: False,
        alternatives: bool = True,
    ) -> None:
        self.sequence = sequence
        self._detokenizer = detokenizer
        self._splitter = splitter
        self._parser = parser
        self._stop = stop
        self._emit = emit
        self._cancelled = cancelled
        self._alternatives = alternatives  # whether the other likely tokens are wanted too
        self._tokens = 0  # that have not been emitted yet
        self._thought = 0  # tokens of thinking
        self._drawn: list[SampledToken] = []
        self._calls: set[tuple[str, str]] = set()
        self._called = False  # and nothing said since
        self._told = False  # whether parts of a call have been told
        self._repeated = False  # whether one of them was made again
        self._first = 0.0  # when the first token came
        sequence.on_token = self._on_token
        sequence.on_prefill = lambda done: emit(Prefill(done, len(sequence.prompt)))
        sequence.on_finish = self._on_end

    def _on_token(self, drawn: SampledToken) -> FinishReason | None:
        self._first = self._first or time.monotonic()
        self._tokens += 1
        if self.sequence.logprobs:
            self._drawn.append(drawn if self._alternatives else replace(drawn, top_logprobs=()))
        self._push(self._detokenizer.push(drawn.token))
        return "stop" if self._stop.matched or self._repeated else "cancelled" if self._cancelled() else None

    def _push(self, text: str, final: bool = False, cut: bool = False) -> None:
        for thinking, piece in [(False, text)] if self._splitter is None else self._splitter.push(text, final):
            if thinking:
                self._release(piece, thinking=True)
            else:
                self._answer(piece)
        if final:
            self._answer("", final, cut)
            self._release(self._stop.finish())

    def _answer(self, text: str, final: bool = False, cut: bool = False) -> None:
        for piece in [text] if self._parser is None else self._parser.push(text, final, cut):
            if isinstance(piece, str):
                piece = piece.lstrip() if self._called else piece
                self._called = self._called and not piece
                self._release(self._stop.push(piece))
                continue
            made = (piece.name, json.dumps(piece.arguments, sort_keys=True)) if isinstance(piece, ToolCall) else None
            self._repeated = self._repeated or made in self._calls  # and would be for ever
            if made and self._repeated and not self._told:
                continue
            if made:
                self._calls.add(made)
                self._called = True
            self._told = not made
            self._release(self._stop.finish())
            self._tokens = 0
            self._drawn.clear()
            self._emit(piece)

    def _release(self, text: str, thinking: bool = False) -> None:
        if text:
            self._emit(Text(text, self._tokens, tuple(self._drawn), thinking))
            self._thought += self._tokens if thinking else 0
            self._tokens = 0
            self._drawn.clear()

    def _on_end(self, end: FinishReason | GalopError) -> None:
        if isinstance(end, GalopError):
            self._emit(Failed(end))
            return
        self._push(self._detokenizer.finish(), final=True, cut=end == "length")
        s = self.sequence
        first = self._first or s.end_time
        self._emit(
            Done(
                end,
                len(s.prompt),
                s.cached_tokens,
                s.completion_tokens,
                (s.end_time if math.isnan(s.prefill_end_time) else s.prefill_end_time)
                - (s.arrival_time if math.isnan(s.start_time) else s.start_time),
                s.end_time - first,
                first - s.arrival_time,
                self._stop.matched,
                self._thought,
            )
        )


class StopMatcher:
    """Holds back text that may be the beginning of a stop string; what comes after one is never let through."""

    def __init__(self, stops: Sequence[str], told: bool = False) -> None:
        self.stops = [s for s in stops if s]
        self.told = told  # whether the one that is found is let through itself
        self.held = ""
        self.matched = ""  # the stop string that was found

    def push(self, text: str) -> str:
        return "" if self.matched else self._release(text, final=False)

    def finish(self) -> str:
        """What was held back, since no more of it comes."""
        return "" if self.matched else self._release("", final=True)

    def _release(self, text: str, final: bool) -> str:
        self.held += text
        found = [(i, s) for s in self.stops if (i := self.held.find(s)) >= 0]
        if found:
            at, self.matched = min(found)
            out, self.held = self.held[: at + len(self.matched) * self.told], ""
            return out
        keep = 0 if final else max((overlap(self.held, s) for s in self.stops), default=0)
        out, self.held = self.held[: len(self.held) - keep], self.held[len(self.held) - keep :]
        return out


def card_sampling(generation: dict[str, Any]) -> Sampling:
    """The settings of a generation_config.json; greedy where it names none."""
    return (None if generation.get("do_sample") is False else sampling_of(generation)) or Sampling(
        seed=secrets.randbits(32)
    )


def sampling_of(settings: Mapping[str, Any]) -> Sampling | None:
    """A model card's settings, with a seed of its own; None where there are none or they make no sense."""
    try:
        known = {
            name: int(settings[name]) if name == "top_k" else float(settings[name])
            for name in ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "presence_penalty")
            if isinstance(settings.get(name), (int, float))
        }
        return Sampling(**{"temperature": 1.0, **known, "seed": secrets.randbits(32)}) if known else None  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None
