"""What goes between the door and a replica: work one way, batches of events the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from galop.backends.events import StreamEvent
from galop.backends.protocol import Capabilities, GenerationRequest, Statistics
from galop.chat.response_format import ResponseFormat
from galop.chat.tools import Tool
from galop.engine.sampling import SampledToken, Sampling
from galop.ops.plan import Array
from galop.tokenizers.constraint import Mask


@dataclass(frozen=True)
class ConstraintOrder:
    """An `AnswerConstraint` that a replica makes and keeps: here it is what that is made of."""

    form: ResponseFormat | None
    tools: tuple[Tool, ...]
    choice: str
    several: bool

    def mask(self) -> Mask | None:
        """Nothing: it is masked elsewhere."""
        return None

    def interpret(self, token: int) -> int:
        """The token itself."""
        return token

    def accept(self, token: int) -> Sequence[int]:
        """Nothing."""
        return ()

    def copy(self) -> ConstraintOrder:
        """The same, since it has no state."""
        return self


@dataclass(frozen=True)
class Work:
    """A request as it travels: without its callbacks, which stay at the door."""

    request: GenerationRequest
    reads_end: bool  # whether the logits and the hidden state after the prompt are wanted

    @classmethod
    def of(cls, request: GenerationRequest) -> Work:
        """The work of a request."""
        plain = replace(request, on_prompt_end=None, cancelled=_never)
        return cls(plain, request.on_prompt_end is not None)


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Part:
    """What has happened since the last part of an answer."""

    events: list[StreamEvent] = field(default_factory=list)
    tokens: Sequence[int] = ()  # of the answer
    replica: str = ""  # in the first: which one answers,
    limit: int = 0  # the most tokens the answer may have,
    cached_tokens: int = 0  # and of the prompt, those that were known
    started: bool = True
    prompt_end: tuple[Array, Array] | None = None  # logits, hidden state
    prompt_scores: Sequence[SampledToken] = ()  # in the last


@dataclass(frozen=True)
class ReplicaSettings:
    """What a replica says of its model, the same for all of them."""

    context: int
    parallel: int
    capabilities: Capabilities
    default_sampling: Sampling
    direct_sampling: Sampling | None


@dataclass(frozen=True)
class ReplicaReport:
    """What a replica is doing now."""

    replica: str
    statistics: Statistics
