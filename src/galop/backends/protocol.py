"""What the rest of Galop knows of a model: `Backend` answers conversations, `TokenBackend` also shows its tokens.

What a backend can do beyond that stands in its `Capabilities`; nobody asks for its class. A new kind of backend is one
file with a class that has these methods, and a line in whatever chooses between backends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypedDict, Unpack

from galop.backends.events import Emit, Event
from galop.chat.messages import Message
from galop.chat.response_format import ResponseFormat
from galop.chat.template import PromptEnd
from galop.chat.thinking import Thinking, ThinkingSupport
from galop.chat.tools import Tool
from galop.engine.sampling import SampledToken, Sampling
from galop.ops.plan import Array
from galop.tokenizers.constraint import Constraint
from galop.tokenizers.fim import Fim
from galop.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True)
class Capabilities:
    """What a backend can do beyond answering a conversation."""

    thinking: ThinkingSupport | None = None  # how its thinking is switched; None where it does not think
    constrained: bool = False  # whether answers can be constrained to a format, and so calls required
    embedding_size: int = 0  # values of a text's vector; 0 where it makes none
    sees: bool = False  # whether messages may show pictures
    generates: bool = True  # whether it writes texts; an encoder's logits are a text's vector


class ChatOptions(TypedDict, total=False):
    """Options of `Backend.chat`. A backend ignores those it has no way to follow."""

    tool_choice: str  # "auto" (the default), "required", or the name of the tool to call
    parallel_tool_calls: bool  # whether one reply may make several calls; true by default
    form: ResponseFormat | None  # what the answer is constrained to
    sampling: Sampling | None  # by default `sampling_for` the thinking
    max_tokens: int | None
    stop: Sequence[str]  # strings that end the answer and are not part of it
    speculate: bool


class Backend(Protocol):
    """What answers conversations: a model in memory, or one behind an interface."""

    @property
    def name(self) -> str:
        """The model's name, for people."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do beyond answering a conversation."""

    @property
    def answered_by(self) -> str:
        """The model that the last reply named, where replies name one; "" else."""

    @property
    def waited(self) -> float:
        """Seconds spent so far in waiting before something that had failed was tried again."""

    @property
    def price(self) -> tuple[float, float] | None:
        """Dollars per million tokens, read and written; None where no price is known or it has none."""

    def chat(
        self,
        messages: Sequence[Message],
        thinking: Thinking | None = None,
        tools: Sequence[Tool] = (),
        *,
        cancelled: Callable[[], bool] = lambda: False,
        **options: Unpack[ChatOptions],
    ) -> Iterator[Event]:
        """Pieces of a reply, which end in `Done`; `cancelled` is asked between tokens where that can be.

        Raises GalopError.
        """

    def sampling_for(self, thinking: Thinking | None) -> Sampling:
        """The model's own settings for a reply."""

    def room(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> int:
        """Tokens that may still follow a conversation."""

    def close(self) -> None:
        """Frees what it holds: memory, threads, processes, connections."""


class AnswerConstraint(Constraint, Protocol):
    """Constrains one answer, as `TokenBackend.constraint` makes it.

    Where the backend's own server does the constraining, `mask` and `accept` return nothing."""

    def copy(self) -> AnswerConstraint:
        """The same for one more answer; none of it is used yet."""


@dataclass(frozen=True)
class TokenRules:
    """Which tokens an answer may have, and what ends it, beyond its model's own ways."""

    min_tokens: int = 0  # before which it does not end
    ignore_eos: bool = False  # the model cannot end it
    stop_token_ids: frozenset[int] = frozenset()  # also end it
    banned: tuple[tuple[int, ...], ...] = ()  # tokens whose last is never sampled after the others
    allowed_token_ids: frozenset[int] | None = None  # the only ones
    logit_bias: Mapping[int, float] = field(default_factory=dict)  # added to the logits of these tokens
    include_stop: bool = False  # the stop string that ends it is part of its text
    show_control: bool = False  # control tokens are part of its text, by their names


@dataclass(frozen=True)
class GenerationRequest:
    """A prompt and everything that decides its answer. Only the prompt is needed.

    `client` is whose prompts may share what the prefix cache holds of this one. With `thinking` the prompt is a
    conversation's. `constraint` holds for the answer, after any thinking; `calls_constrained` says that it covers every
    call of `tools`, so that calls may be streamed in parts. `logprobs` asks for the log-probabilities of each sampled
    token and of so many likely ones, `prompt_logprobs` for those of the prompt's tokens (`Completion.prompt_scores`).
    `on_prompt_end` gets the logits and the last hidden state that follow the prompt. One in the `background` gives way
    to all others.
    """

    prompt: Sequence[int]
    sampling: Sampling | None = None  # by default the model's own
    max_tokens: int | None = None  # by default as many as the context holds
    stop: Sequence[str] = ()
    rules: TokenRules = TokenRules()
    client: str = ""
    thinking: Thinking | None = None
    tools: Sequence[Tool] = ()
    constraint: Constraint | None = None
    calls_constrained: bool = False
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    on_prompt_end: Callable[[Array, Array], None] | None = None
    cancelled: Callable[[], bool] = lambda: False
    speculate: bool = True
    background: bool = False


class Completion(Protocol):
    """One submitted request, as it goes on."""

    @property
    def prompt(self) -> Sequence[int]:
        """Ids of the prompt."""

    @property
    def tokens(self) -> Sequence[int]:
        """Ids of the prompt and of the answer so far."""

    @property
    def limit(self) -> int:
        """The most tokens its answer may have."""

    @property
    def cached_tokens(self) -> int:
        """Tokens of the prompt that the prefix cache held."""

    @property
    def prompt_scores(self) -> Sequence[SampledToken]:
        """The prompt's tokens from the second on, with their log-probabilities, where these were asked for."""

    @property
    def started(self) -> bool:
        """Whether it waits no more; until then it has cost nothing."""

    def cancel(self) -> None:
        """Ends it before its next token; nothing happens to one that has ended."""


@dataclass(frozen=True)
class Statistics:
    """What a backend is doing, and has done since it was loaded."""

    running: int = 0  # requests
    waiting: int = 0
    preemptions: int = 0
    prompt_tokens: int = 0  # read
    generated_tokens: int = 0
    prefix_cache_queries: int = 0  # tokens of prompts that were looked for
    prefix_cache_hits: int = 0  # of these, those that were there
    prefix_cache_lost: Mapping[str, int] = field(default_factory=dict)  # that were there and read again, by the reason
    kv_cache_usage: float = 0.0  # from 0 to 1
    pictures_seen: int = 0  # by the vision tower
    pictures_remembered: int = 0  # that were to be seen and had been
    picture_seconds: float = 0.0  # that looking took


class TokenBackend(Backend, Protocol):
    """A backend whose tokens can be seen, and which answers many requests at once."""

    @property
    def context(self) -> int:
        """The most tokens of a prompt and its answer."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Texts to tokens and back."""

    @property
    def vocabulary_size(self) -> int:
        """Ids are from 0 to one less; the last of them may be padding that no text has."""

    @property
    def stop_ids(self) -> frozenset[int]:
        """Tokens by which the model ends its answers."""

    @property
    def fim(self) -> Fim | None:
        """How it is asked for what belongs between two texts; None where it was not made for that."""

    @property
    def memory(self) -> int:
        """Bytes it takes in all with its context full, as far as that is known."""

    @property
    def parallel(self) -> int:
        """The most requests that run at once."""

    def prompt(
        self,
        messages: Sequence[Message],
        thinking: Thinking,
        tools: Sequence[Tool] = (),
        turn: PromptEnd = "begin",
        variables: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """Ids of a conversation, to be answered or to have its last message continued; `variables` are for its
        template. Raises TemplateError."""

    def encode(self, text: str, control: bool = True, begin: bool = True) -> list[int]:
        """Ids of a text that is no conversation: control tokens in it are meant, or spelled out where `control` is
        False; `begin` puts a BOS before it, where the model wants one and it has none."""

    def with_bos(self, ids: list[int]) -> list[int]:
        """Ids after a BOS, where the model wants one and they have none."""

    def constraint(
        self, form: ResponseFormat | None, tools: Sequence[Tool] = (), choice: str = "auto", several: bool = True
    ) -> AnswerConstraint | None:
        """Constrains an answer to `form`, or to calls that the schemas of `tools` allow. Raises ConstraintError."""

    def stream(self, request: GenerationRequest) -> Iterator[Event]:
        """The events of a request's answer, which end in `Done`. Raises GalopError."""

    def submit(self, request: GenerationRequest, emit: Emit) -> Completion:
        """Puts a request in the queue; `emit` gets its events, from another thread.

        Raises ContextLengthError, QueueFullError, EncoderError where it writes no texts and tokens are wanted,
        ValueError for an empty prompt.
        """

    def logits(self, tokens: Sequence[int]) -> Array:
        """float32 [len(tokens), vocabulary]: at each position, what is likely to follow it."""

    def statistics(self) -> Statistics:
        """What it is doing now."""

    def prepare(self) -> None:
        """Does beforehand what the first requests would wait for."""

    def serve(
        self, turn: AbstractContextManager[object] | None = None, parallel: int | None = None, queue: int | None = None
    ) -> None:
        """From now on requests run side by side, `parallel` of them while `queue` others wait; one that is in memory
        makes each step within `turn`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
