"""From a request, whatever its dialect, to events: its limits, its prompt, its answers."""

from __future__ import annotations

import asyncio
import json
import math
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError, from_json

from galop.backends.local import Answer, Done, Event, Failed, Model, Prefill, Text
from galop.chat.constraint import GrammarConstraint
from galop.chat.messages import Message
from galop.chat.response_format import ResponseFormat
from galop.chat.schema import close_objects
from galop.chat.template import PromptEnd
from galop.chat.thinking import Thinking
from galop.chat.tools import Tool, ToolCall, ToolCallDelta
from galop.engine.sampling import Sampling
from galop.errors import ConstraintError
from galop.server.api_keys import Key, Meter
from galop.server.errors import ApiError
from galop.server.extensions import refuse
from galop.server.loaded import Models, Resident
from galop.server.metrics import Metrics
from galop.server.wire import parse
from galop.tokenizers.fim import Fim

MAX_N = 16
MOST_READ = 1 << 17  # tokens of a text that are counted exactly, whatever the context
LEAST_ANSWER = 256  # tokens an answer has to have left of a key's minute, if it asks for more
MAX_ANSWERS = 256  # of several prompts
LEAST = -9999.0  # what is told of a log-probability that JSON cannot say
LONGEST_CUT = 1 << 20  # characters of arguments that are not whole
MAX_STOPS = 4
MAX_TOOLS = 256
Count = Annotated[int, Field(ge=1, le=1 << 31)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Budget = Annotated[int, Field(ge=0, le=1 << 31)]  # tokens of thinking
StopString = Annotated[str, Field(min_length=1, max_length=256)]
FORBIDDEN_KWARGS = (
    "self",
    "chat_template",
    "tokenize",
    "messages",
    "add_generation_prompt",
    "bos_token",
    "eos_token",
    "tools",
)


class Body(BaseModel):
    """Types as JSON has them: a number in a string is no number. Unknown fields are ignored, null is the default."""

    model_config = ConfigDict(strict=True, extra="allow")

    model: Annotated[str, Field(max_length=500)] | None = Field(
        None, description="From /v1/models; the first if absent."
    )

    def refuse(self, *names: str) -> None:
        """Raises ApiError if the request holds what cannot be done, rather than doing something else in silence."""
        refuse(self.model_extra)
        for name in names:
            if (self.model_extra or {}).get(name) or getattr(self, name, None):
                raise ApiError(400, "unsupported_parameter", f"{name} is not supported", name)


class Drawing(Body):
    """How tokens are drawn. What is left out is the model card's setting."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=-1, le=1 << 31, description="-1 and 0 keep every token.")] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=0.01, le=10)] | None = None
    repeat_penalty: Annotated[float, Field(ge=0.01, le=10)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    seed: Annotated[int, Field(ge=-(1 << 63), lt=1 << 64)] | None = None

    def sampling(self, model: Model, thinking: Thinking | None = None) -> Sampling:
        names = ("temperature", "top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty")
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        penalty = self.repetition_penalty or self.repeat_penalty
        if penalty is not None:
            given["repetition_penalty"] = penalty
        if self.top_k == -1:
            given["top_k"] = 0
        seed = secrets.randbits(32) if self.seed is None or self.seed == -1 else self.seed % (1 << 64)
        return replace(model.sampling_for(thinking), **given, seed=seed)


class Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: str
    text: str | None = None
    refusal: str | None = None

    @model_validator(mode="after")
    def readable(self) -> Part:
        if self.type == "refusal":
            self.text = self.refusal
        elif self.type not in ("text", "input_text", "output_text"):
            message = "only text can be read, not {kind}"
            raise PydanticCustomError("media_not_allowed", message, {"kind": repr(self.type[:40])})
        if self.text is None:
            raise PydanticCustomError("missing", "text is missing")
        return self


ToolName = Annotated[str, Field(pattern=r"^[\w.:-]{1,128}$")]


class Function(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None  # whether a schema that calls cannot be held to in all it says is refused

    def tool(self) -> Tool:
        fields = {"name", "description", "parameters", *(["strict"] if self.strict else [])}
        return {"type": "function", "function": self.model_dump(include=fields, exclude_none=True)}


class ToolIn(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["function"]
    function: Function


class Called(BaseModel):
    """A function in the history, with its arguments as JSON."""

    model_config = ConfigDict(strict=True, extra="ignore")
    name: ToolName
    arguments: str | dict[str, Any] = ""

    def values(self) -> dict[str, Any]:
        """As far as they came, where they were cut off. Raises ApiError for what is no JSON object."""
        if isinstance(self.arguments, dict):
            return self.arguments
        text = self.arguments.strip()
        try:
            found = parse(text.encode() if text not in ("", "null") else b"{}")
        except (ValueError, ApiError):
            found = None
            if len(text) <= LONGEST_CUT:  # a limit may have cut it off, or a model said a name twice
                with suppress(ValueError, ApiError):
                    begun = from_json(text.encode(), allow_inf_nan=False, allow_partial="trailing-strings")
                    found = parse(json.dumps(begun).encode())
        if not isinstance(found, dict):
            raise ApiError(400, "invalid_value", f"the arguments of {self.name} are no JSON object", "messages")
        return found


class ChatToolCall(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    function: Called
    id: str | None = None


class ChatMessage(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    role: Literal["developer", "system", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    thinking: str | None = None
    tool_calls: Annotated[list[ChatToolCall], Field(max_length=128)] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    tool_name: str | None = None  # Ollama's

    def message(self) -> Message:
        content = self.content if isinstance(self.content, str) else "".join(p.text or "" for p in self.content or [])
        content = content or self.refusal or ""
        role = "system" if self.role == "developer" else self.role
        message: Message = {"role": role, "content": content}
        if thought := self.reasoning_content or self.reasoning or self.thinking:
            message["reasoning_content"] = thought
        if self.tool_calls:
            called = [{"name": c.function.name, "arguments": c.function.values()} for c in self.tool_calls]
            ids = [c.id for c in self.tool_calls]
            message["tool_calls"] = [
                {"type": "function", "id": id, "function": c} for id, c in zip(ids, called, strict=True)
            ]
        if role == "tool":
            named = {"name": self.name or self.tool_name, "tool_call_id": self.tool_call_id}
            message |= {field: value for field, value in named.items() if value}
        return message


Messages = Annotated[list[ChatMessage], Field(min_length=1, max_length=4096)]


def turn_of(messages: Sequence[ChatMessage], continues: bool | None = None, opens: bool | None = None) -> PromptEnd:
    """Whether the last message is continued, as vLLM's `continue_final_message` and `add_generation_prompt` say; where
    neither does, an assistant's is, as with Anthropic and llama-server. Raises ApiError."""
    answered = bool(messages) and messages[-1].role == "assistant"
    if continues and opens:
        message = "continue_final_message and add_generation_prompt cannot both be true"
        raise ApiError(400, "invalid_value", message, "continue_final_message")
    if continues and not answered:
        message = "continue_final_message needs the last message to be the assistant's"
        raise ApiError(400, "invalid_value", message, "continue_final_message")
    if not (answered if continues is None and not opens else continues):
        return "none" if opens is False else "begin"
    if messages[-1].tool_calls:
        message = "the last message calls tools, so it cannot be continued; send their results after it"
        raise ApiError(400, "invalid_value", message, "messages")
    return "continue"


def form_of(wanted: Any, param: str) -> ResponseFormat | None:
    """What the dialects call a response format, or Ollama's bare "json" or schema. Raises ApiError."""
    if wanted in (None, "", "text") or wanted == {"type": "text"}:
        return None
    if wanted in ("json", {"type": "json_object"}):
        return ResponseFormat("schema", '{"type": "object"}', param)
    if isinstance(wanted, dict):
        kind = wanted.get("type")
        if kind in ("json_schema", "json_object"):
            wanted = wanted.get("json_schema", wanted)
            schema = wanted.get("schema") if isinstance(wanted, dict) else None
            if isinstance(schema, (dict, bool)):
                return ResponseFormat("schema", json.dumps(schema), param)
        elif kind in ("regex", "grammar") and isinstance(text := wanted.get(kind), str):  # Galop's own
            return ResponseFormat("regex" if kind == "regex" else "lark", text, param)
        elif param == "format":
            return ResponseFormat("schema", json.dumps(close_objects(wanted)), param)
    message = f"{param} has to be text, json_object, or json_schema with a schema, regex or grammar with one"
    raise ApiError(400, "invalid_value", message, param)


def stops(stop: str | list[str] | None) -> list[str]:
    return [stop] if isinstance(stop, str) else stop or []


@dataclass
class Piece:
    """Text of one of the answers."""

    index: int
    event: Text

    @property
    def text(self) -> str:
        return self.event.text

    @property
    def thinking(self) -> bool:
        return self.event.thinking


@dataclass
class CallDelta:
    """Some more of a tool call's arguments, as JSON; the first of a call is empty, and its `CallPiece` ends it."""

    index: int
    name: str
    id: str
    text: str


@dataclass
class CallPiece:
    """A tool call of one of the answers, as a whole."""

    index: int
    call: ToolCall
    id: str

    @property
    def function(self) -> dict[str, str]:
        """As OpenAI writes it, arguments in JSON."""
        arguments = self.call.written or json.dumps(self.call.arguments, ensure_ascii=False)
        return {"name": self.call.name, "arguments": arguments}


@dataclass
class Said:
    """An answer as a whole, and the events its text came in."""

    text: str = ""
    thought: str = ""
    calls: list[CallPiece] = field(default_factory=list)
    events: list[Text] = field(default_factory=list)


@dataclass
class Reply:
    """One request's answers, so many to each of its prompts: pieces, prompt progress, and for each its end."""

    server: Server
    resident: Resident
    key: Key
    prompts: list[list[int]]
    held: AsyncExitStack
    thinking: Thinking | None = None  # None for what is no conversation
    use: ToolUse = field(default_factory=lambda: ToolUse())
    ends: dict[int, Done] = field(default_factory=dict)
    arrived: float = field(default_factory=time.monotonic)
    answers: list[Answer] = field(default_factory=list)
    tokens: int = 0  # of the key's minute that are held for it

    @property
    def model(self) -> Model:
        return self.resident.model

    @property
    def prompt(self) -> list[int]:
        """The only one, where there is one."""
        return self.prompts[0]

    @property
    def read(self) -> int:
        """Tokens of all prompts."""
        return sum(map(len, self.prompts))

    def begin(
        self, n: int = 1, sampling: Sampling | None = None, constraint: GrammarConstraint | None = None, **options: Any
    ) -> None:
        """Puts the prompts in the queue, each n times. Raises ContextLengthError, QueueFullError."""
        loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[int, Event | ToolCallDelta | Failed]] = asyncio.Queue()

        def emit(index: int, event: Event | ToolCallDelta | Failed) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._queue.put_nowait, (index, event))

        sampling = sampling or self.model.sampling_for(self.thinking)
        options["max_tokens"] = self._admit(n, options.get("max_tokens"))
        try:
            for i, prompt in enumerate(prompt for prompt in self.prompts for _ in range(n)):
                how = replace(sampling, seed=(sampling.seed + i % n) % (1 << 64))
                held = constraint.copy() if constraint else None
                options |= {"client": self.key.hash, "thinking": self.thinking}
                options |= {"tools": self.use.tools, "constraint": held}
                self.answers.append(self.model.submit(prompt, partial(emit, i), how, **options))
        except Exception:
            self.cancel()
            self.server.meter.settle(self.key, self.tokens, 0)
            raise

    def _admit(self, n: int, limit: int | None) -> int:
        """Holds the tokens of this request; how many each answer may have. Raises ApiError."""
        rooms = [max(0, self.model.context - len(prompt)) for prompt in self.prompts]
        limit = max(rooms) if limit is None else min(limit, max(rooms))
        if min(rooms):  # or it is about to be refused
            answers = n * len(self.prompts)
            self.tokens = self.server.reserve(self.key, self.read, answers, limit)
            limit = min(limit, (self.tokens - self.read) // answers)
        return limit

    async def pieces(self) -> AsyncGenerator[Piece | Prefill | CallDelta | CallPiece | Done]:
        """Raises the error of an answer that fails. Closing the iterator ends the answers and gives the model back."""
        last = [0.0] * len(self.answers)
        calling: dict[int, str] = {}  # the id of the call that an answer is making
        metrics = self.server.metrics
        try:
            while len(self.ends) < len(self.answers):
                index, event = await self._queue.get()
                now = time.monotonic()
                if isinstance(event, Failed):
                    raise event.error
                if isinstance(event, Prefill):
                    if not index:
                        yield event
                    continue
                if isinstance(event, (Text, ToolCallDelta)):
                    if last[index]:
                        metrics.gap(self.resident.name, now - last[index])
                    else:
                        metrics.first(self.resident.name, now - self.arrived)
                    last[index] = now
                if isinstance(event, Text):
                    yield Piece(index, event)
                elif isinstance(event, ToolCallDelta):
                    calling[index] = calling.get(index) or new_id("call_")
                    yield CallDelta(index, event.name, calling[index], event.text)
                elif isinstance(event, ToolCall):
                    piece = CallPiece(index, event, calling.get(index) or new_id("call_"))
                    if index not in calling:
                        yield CallDelta(index, event.name, piece.id, "")
                        yield CallDelta(index, event.name, piece.id, piece.function["arguments"])
                    calling.pop(index, None)
                    yield piece
                else:
                    self.ends[index] = event
                    self.server.ended(self, event, now)
                    yield event
        finally:
            self.cancel()
            begun = [a.sequence for a in self.answers if not math.isnan(a.sequence.start_time)]
            used = self.read + sum(s.completion_tokens for s in begun) if begun else 0
            self.server.meter.settle(self.key, self.tokens, used)
            await self.held.aclose()

    async def whole(self) -> list[Said]:
        """What each answer came to."""
        answers = [Said() for _ in self.answers]
        async for piece in self.pieces():
            if isinstance(piece, CallPiece):
                answers[piece.index].calls.append(piece)
            elif isinstance(piece, Piece):
                said = answers[piece.index]
                said.events.append(piece.event)
                if piece.thinking:
                    said.thought += piece.text
                else:
                    said.text += piece.text
        return answers

    def cancel(self) -> None:
        for answer in self.answers:
            self.model.scheduler.cancel(answer.sequence)

    @property
    def usage(self) -> dict[str, Any]:
        answered = sum(done.answer_tokens for done in self.ends.values())
        thought = sum(done.thinking_tokens for done in self.ends.values())
        n = max(1, len(self.answers) // len(self.prompts))
        cached = [
            min((done.cached_tokens for i, done in self.ends.items() if i // n == p), default=0)
            for p in range(len(self.prompts))
        ]
        return {
            "prompt_tokens": self.read,
            "completion_tokens": answered,
            "total_tokens": self.read + answered,
            "prompt_tokens_details": {"cached_tokens": sum(cached)},
            "completion_tokens_details": {"reasoning_tokens": thought},
        }

    @property
    def timings(self) -> dict[str, Any]:
        """As llama-server tells them, of the first answer."""
        return self.timings_of(self.ends[0])

    @staticmethod
    def timings_of(done: Done) -> dict[str, Any]:
        return {
            "cache_n": done.cached_tokens,
            "prompt_n": done.prompt_tokens - done.cached_tokens,
            "prompt_ms": round(1e3 * done.prompt_seconds, 3),
            "prompt_per_token_ms": round(1e3 / done.prompt_rate, 3) if done.prompt_rate else 0.0,
            "prompt_per_second": round(done.prompt_rate, 3),
            "predicted_n": done.answer_tokens,
            "predicted_ms": round(1e3 * done.answer_seconds, 3),
            "predicted_per_token_ms": round(1e3 / done.answer_rate, 3) if done.answer_rate else 0.0,
            "predicted_per_second": round(done.answer_rate, 3),
        }


@dataclass(frozen=True)
class ToolUse:
    """The tools of a request, none where none may be called, and whether one has to be: perhaps a `named` one."""

    tools: Sequence[Tool] = ()
    required: bool = False
    several: bool = True
    named: Tool | None = None

    @classmethod
    def asked(
        cls, functions: Sequence[Function], choice: str, several: bool | None, name: str | None = None
    ) -> ToolUse:
        """`choice` is auto, none or required, unless there is a name, which may be one of these words too. Raises
        ApiError for a choice that is not there, and for tools of one name that are not the same."""
        tools = {f.name: f.tool() for f in functions}
        if twice := next((f.name for f in functions if f.tool() != tools[f.name]), None):
            raise ApiError(400, "invalid_value", f"two tools are called {twice!r}; give each its own name", "tools")
        if name is not None and name not in tools:
            raise ApiError(400, "invalid_value", f"there is no tool {name[:60]!r} to choose", "tool_choice")
        if name is not None:
            return cls(list(tools.values()), True, False, tools[name])
        if choice == "required" and not tools:
            raise ApiError(400, "invalid_value", "tool_choice asks for a call, and there are no tools", "tool_choice")
        if choice == "none" or not tools:
            return cls()
        return cls(list(tools.values()), choice == "required", several is not False)


@dataclass
class Server:
    """What every route needs."""

    models: Models
    metrics: Metrics = field(default_factory=Metrics)
    meter: Meter = field(default_factory=Meter)

    async def open(self, key: Key, name: str | None) -> tuple[Resident, AsyncExitStack]:
        """A model in memory for one request. Raises ApiError where the key does not allow it or has used its share."""
        self._wait(key, 1)
        held = AsyncExitStack()
        resident = await held.enter_async_context(self.models.use(name, key))
        return resident, held

    async def chat(
        self,
        key: Key,
        name: str | None,
        messages: Sequence[ChatMessage],
        thinking: Thinking,
        variables: dict[str, Any] | None = None,
        tools: ToolUse | None = None,
        turn: PromptEnd = "begin",
    ) -> Reply:
        """The reply to a conversation, or the rest of its last message (see `turn_of`), not begun; `variables` are for
        its template. Raises ApiError, TemplateError."""
        tools = tools or ToolUse()
        for kwarg in FORBIDDEN_KWARGS:
            if kwarg in (variables or {}):
                message = f"chat_template_kwargs.{kwarg} is not supported"
                raise ApiError(400, "unsupported_parameter", message, "chat_template_kwargs")
        resident, held = await self.open(key, name)
        try:
            model = resident.model
            said, given = await asyncio.to_thread(lambda: [m.message() for m in messages]), tools.tools
            await asyncio.to_thread(check_length, model, [said, given, variables or {}])
            ids = await asyncio.to_thread(model.prompt, said, thinking, given, turn, **(variables or {}))
        except BaseException:
            await held.aclose()
            raise
        return Reply(self, resident, key, [ids], held, thinking, tools)

    async def text(
        self, key: Key, name: str | None, given: str | Sequence[str | list[int]], suffix: str | None = None
    ) -> Reply:
        """The reply to a text or to several, each a string or token ids, not begun: what follows, or with a suffix what
        belongs between. Raises ApiError."""

        def read(model: Model) -> list[list[int]]:
            prompts = [given] if isinstance(given, str) else given
            if suffix is None:
                return [ids_of(model, prompt, "prompt") for prompt in prompts]
            return [middle_of(model, prompt, suffix) for prompt in prompts]

        return await self.raw(key, name, read)

    async def raw(self, key: Key, name: str | None, read: Callable[[Model], list[list[int]]]) -> Reply:
        """The reply to prompts as `read` makes them for the model, not begun. Raises ApiError."""
        resident, held = await self.open(key, name)
        try:
            prompts = await asyncio.to_thread(read, resident.model)
        except BaseException:
            await held.aclose()
            raise
        return Reply(self, resident, key, prompts, held)

    def reserve(self, key: Key, prompt: int, answers: int = 0, each: int = 0) -> int:
        """Holds tokens of a key's minute for a request, until they are settled: as many as it asks for, or fewer for
        its answers where fewer are left. Raises ApiError where those are too few."""
        limit = key.tokens_per_minute
        wanted = prompt + answers * each
        if limit:
            if prompt + min(answers, wanted - prompt) > limit:
                message = f"this takes {prompt} tokens to read, and this key may use {limit} per minute"
                raise ApiError(429, "rate_limit_exceeded", message, param="model")
            self._wait(key, min(prompt + answers * min(each, LEAST_ANSWER, limit // 8), limit))
            wanted = min(wanted, self.meter.free(key))
        self.meter.hold(key, wanted)
        return wanted

    @contextmanager
    def metered(self, key: Key, tokens: int) -> Iterator[None]:
        """For work that only reads. Raises ApiError where the key has too few tokens left; what fails costs nothing."""
        held, used = self.reserve(key, tokens), tokens
        try:
            yield
        except Exception:
            used = 0
            raise
        finally:
            self.meter.settle(key, held, used)

    def _wait(self, key: Key, tokens: int) -> None:
        if wait := self.meter.wait(key, tokens):
            message = f"this key may use {key.tokens_per_minute} tokens per minute; try again in {wait} s"
            raise ApiError(429, "rate_limit_exceeded", message, retry_after=wait)

    def ended(self, reply: Reply, done: Done, now: float) -> None:
        self.metrics.ended(reply.resident.name, done, now - reply.arrived)


def ids_of(model: Model, prompt: str | list[int], param: str, control: bool = True) -> list[int]:
    """Control tokens in a text are meant where `control` says so. Raises ApiError for an empty prompt or ids the model
    does not have."""
    if isinstance(prompt, str):
        check_length(model, prompt, plain=not control)
        ids = model.encode(prompt, control)
    else:
        ids = prompt
        check_ids(model, ids, param)
    if not ids:
        raise ApiError(400, "invalid_value", f"{param} is empty", param)
    return ids


def middle_of(model: Model, before: str | list[int], after: str) -> list[int]:
    """A prompt for what belongs between two texts, whose words are never control tokens. Raises ApiError."""
    fim = fim_for(model, "suffix")
    check_length(model, [before, after], "prompt")
    ids = model.encode(before, control=False, begin=False) if isinstance(before, str) else before
    check_ids(model, ids, "prompt")
    return model.begun(fim.prompt(ids, model.tokenizer.encode(after)))


def fim_for(model: Model, param: str) -> Fim:
    """Raises ApiError for a model that was not made to fill in the middle."""
    if model.fim is None:
        message = f"{model.card.name} cannot fill in the middle: it has no tokens for that; take a code model"
        raise ApiError(400, "unsupported_parameter", message, param)
    return model.fim


def check_length(model: Model, said: Any, param: str = "messages", plain: bool = True, most: int = 0) -> None:
    """Raises ApiError for what holds text that surely takes more than `most` tokens (the context, if that is more),
    before anything is made of it."""
    texts = list(strings(said))
    most = max(most, model.context, MOST_READ)
    if sum(map(len, texts)) > most and (count := model.tokenizer.count_at_least(texts, most, plain)) > most:
        message = f"the text has at least {count} tokens and the context holds {model.context}"
        counts = {"n_prompt_tokens": count, "n_ctx": model.context}
        raise ApiError(400, "context_length_exceeded", message, param, **counts)


def strings(value: Any) -> Iterator[str]:
    """Every string within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from (name, *strings(item))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from strings(item)


def check_ids(model: Model, ids: list[int], param: str) -> None:
    """Raises ApiError for ids the model does not have."""
    if any(not 0 <= i < model.engine.vocabulary for i in ids):
        last = model.engine.vocabulary - 1
        raise ApiError(400, "invalid_value", f"token ids of this model are from 0 to {last}", param)


async def begun(reply: Reply, options: Callable[[], dict[str, Any]], form: ResponseFormat | None = None) -> Reply:
    """Begins a reply with what `options` makes, held to `form`; gives its model back if any of it fails."""
    try:
        use = reply.use
        tools, choice = [use.named] if use.named else use.tools, "required" if use.required else "auto"
        constraint = await asyncio.to_thread(reply.model.constraint, form, tools, choice, use.several)
        # A form may look like a call that has no opening.
        reply.begin(constraint=constraint, called=form is None or use.required, **options())
    except BaseException as error:
        if isinstance(error, ConstraintError) and form:
            error.param = error.param or form.field
        await reply.held.aclose()
        raise
    return reply


def logprobs_of(model: Model, event: Text) -> list[dict[str, Any]]:
    """The `content` of OpenAI's logprobs."""

    def entry(token: int, logprob: float) -> dict[str, Any]:
        data = model.tokenizer.token_bytes(token)
        return {"token": data.decode("utf-8", "replace"), "logprob": max(logprob, LEAST), "bytes": list(data)}

    return [
        {**entry(d.token, d.logprob or 0.0), "top_logprobs": [entry(t, p) for t, p in d.top_logprobs]}
        for d in event.drawn
    ]


def new_id(prefix: str) -> str:
    return f"{prefix}{secrets.token_hex(12)}"


def compact(data: dict[str, Any] | list[dict[str, Any]]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
