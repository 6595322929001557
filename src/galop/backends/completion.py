"""One completion, whoever samples its tokens: they become text, thinking or not, and tool calls."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from galop.backends.events import Done, Emit, Failure, Prefill, Text
from galop.backends.processor import Processor
from galop.backends.protocol import GenerationRequest
from galop.backends.stop_strings import StopMatcher
from galop.chat.harmony import HarmonySplitter
from galop.chat.thinking import ThinkingBudget, ThinkingSplitter, starts_thinking
from galop.chat.thinking_tags import TAGS, THINK, ThinkingTags
from galop.chat.tool_formats import HERMES, ToolCallFormat
from galop.chat.tool_parser import GrammarScope, ToolCallParser
from galop.chat.tools import ToolCall, schemas_of
from galop.engine.sampling import SampledToken
from galop.engine.sequence import FinishReason, TokenSequence
from galop.errors import GalopError
from galop.tokenizers.tokenizer import Detokenizer


def lay_out(
    model: Processor,
    request: GenerationRequest,
    ids: list[int],
    room: int,
    emit: Emit,
    cancel: Callable[[TokenSequence], None],
) -> SequenceCompletion:
    """The completion of a request whose prompt is `ids`, after which there is room for so many tokens; its sequence is
    for an engine to run, and `cancel` ends it.

    A stop string that is the name of a control token ends at that token.
    """
    rules, thinking, tools = request.rules, request.thinking, request.tools
    limit = room if request.max_tokens is None else min(request.max_tokens, room)
    support = model.thinking_support
    tags = support.tags if support else TAGS[THINK]
    in_thought = starts_thinking(model.tokenizer, ids, model.stop_ids, tags)
    constraint = request.constraint
    if thinking and (in_thought or thinking.will_think(support)):
        constraint = ThinkingBudget(
            model.tokenizer, in_thought, thinking.budget, limit, constraint, model.stop_ids, model.vocabulary_size, tags
        )
    format = model.tool_format or HERMES
    spoken = (*(format.markers if tools else ()), *(tags.tokens if thinking else ()))
    visible = model.tokenizer.added if rules.show_control else spoken
    detokenizer = Detokenizer(model.tokenizer, visible, ids)
    stops = [id for id in map(model.tokenizer.id, request.stop) if id in detokenizer.hidden and id is not None]
    ends = rules.stop_token_ids.union(stops, () if rules.ignore_eos else model.stop_ids)
    if thinking is None and model.fim and model.fim.matches(ids):
        ends |= model.fim.ends
    sequence = TokenSequence(
        ids,
        request.sampling or model.sampling_for(thinking),
        limit,
        stop_ids=ends,
        client=request.client,
        logit_bias=rules.logit_bias,
        on_prompt_end=request.on_prompt_end,
        logprobs=0 if request.logprobs is None else max(request.logprobs, 1),
        prompt_logprobs=request.prompt_logprobs,
        min_tokens=rules.min_tokens,
        banned=(*rules.banned, *((id,) for id in model.stop_ids if rules.ignore_eos)),
        constraint=constraint,
        background=request.background,
    )
    return SequenceCompletion(sequence, request, emit, cancel, detokenizer, format, in_thought, tags)


class SequenceCompletion:
    """A `Completion` whose sequence an engine runs. Events are emitted by the thread that gives it tokens."""

    def __init__(
        self,
        sequence: TokenSequence,
        request: GenerationRequest,
        emit: Emit,
        cancel: Callable[[TokenSequence], None],
        detokenizer: Detokenizer,
        format: ToolCallFormat,
        in_thought: bool,
        tags: ThinkingTags,
    ) -> None:
        """`format` is how the model writes calls; `in_thought` says that the prompt has opened its thinking, which
        stands between `tags`."""
        constrained, tools = request.constraint is not None, request.tools
        scope: GrammarScope = "none" if not constrained else "all" if request.calls_constrained else "opened"
        self.sequence = sequence
        self._cancel = cancel
        self._detokenizer = detokenizer
        self._splitter: ThinkingSplitter | HarmonySplitter | None = None
        if request.thinking:
            by_message = tags.messages
            self._splitter = (
                HarmonySplitter(in_thought, bool(tools)) if by_message else ThinkingSplitter(in_thought, tags)
            )
        self._parser = ToolCallParser(format, schemas_of(tools), scope) if tools else None
        self._stop = StopMatcher(request.stop, request.rules.include_stop)
        self._emit = emit
        self._cancelled = request.cancelled
        self._alternatives = bool(request.logprobs)  # whether the other likely tokens are wanted too
        self._tokens = 0  # that have not been emitted yet
        self._thinking_tokens = 0
        self._drawn: list[SampledToken] = []
        self._calls: set[tuple[str, str]] = set()
        self._after_call = False  # and nothing said since
        self._parts_emitted = False  # whether parts of the call that is being made have been
        self._repeated = False  # whether a call was made again
        self._first = 0.0  # when the first token came
        sequence.on_token = self._on_token
        sequence.on_prefill = lambda done: emit(Prefill(done, len(sequence.prompt)))
        sequence.on_finish = self._on_end

    @property
    def prompt(self) -> Sequence[int]:
        """Ids of the prompt."""
        return self.sequence.prompt

    @property
    def tokens(self) -> Sequence[int]:
        """Ids of the prompt and of the answer so far."""
        return self.sequence.tokens

    @property
    def limit(self) -> int:
        """The most tokens its answer may have."""
        return self.sequence.max_tokens

    @property
    def cached_tokens(self) -> int:
        """Tokens of the prompt that the prefix cache held."""
        return self.sequence.cached_tokens

    @property
    def prompt_scores(self) -> Sequence[SampledToken]:
        """The prompt's tokens from the second on, with their log-probabilities, where these were asked for."""
        return self.sequence.prompt_scores

    @property
    def started(self) -> bool:
        """Whether it waits no more."""
        return not math.isnan(self.sequence.start_time)

    def cancel(self) -> None:
        """Ends it before the next step; nothing happens to one that has ended."""
        self._cancel(self.sequence)

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
                self._push_answer(piece)
        if final:
            self._push_answer("", final, cut)
            self._release(self._stop.finish())

    def _push_answer(self, text: str, final: bool = False, cut: bool = False) -> None:
        for piece in [text] if self._parser is None else self._parser.push(text, final, cut):
            if isinstance(piece, str):
                piece = piece.lstrip() if self._after_call else piece
                self._after_call = self._after_call and not piece
                self._release(self._stop.push(piece))
                continue
            call = (piece.name, json.dumps(piece.arguments, sort_keys=True)) if isinstance(piece, ToolCall) else None
            self._repeated = self._repeated or call in self._calls  # and would be for ever
            if call and self._repeated and not self._parts_emitted:
                continue
            if call:
                self._calls.add(call)
                self._after_call = True
            self._parts_emitted = not call
            self._release(self._stop.finish())
            self._tokens = 0
            self._drawn.clear()
            self._emit(piece)

    def _release(self, text: str, thinking: bool = False) -> None:
        if text:
            self._emit(Text(text, self._tokens, tuple(self._drawn), thinking))
            self._thinking_tokens += self._tokens if thinking else 0
            self._tokens = 0
            self._drawn.clear()

    def _on_end(self, end: FinishReason | GalopError) -> None:
        if isinstance(end, GalopError):
            self._emit(Failure(end))
            return
        self._push(self._detokenizer.finish(), final=True, cut=end == "length")
        s = self.sequence
        first = self._first or s.end_time
        self._emit(
            Done(
                reason=end,
                prompt_tokens=len(s.prompt),
                cached_tokens=s.cached_tokens,
                answer_tokens=s.completion_tokens,
                prompt_seconds=(s.end_time if math.isnan(s.prefill_end_time) else s.prefill_end_time)
                - (s.arrival_time if math.isnan(s.start_time) else s.start_time),
                answer_seconds=s.end_time - first,
                first_token_seconds=first - s.arrival_time,
                stop=self._stop.matched,
                thinking_tokens=self._thinking_tokens,
            )
        )
